/* stele version. */
#include <curl/curl.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <yyjson.h>
#include <zlib.h>
#include <zstd.h>

#include "main/command.h"
#include "main/options.h"

int cmd_version(int argc, char **argv)
{
	bool is_json = false;
	const struct option_spec specs[] = {
		{"json", OPTION_FLAG, NULL, "as one JSON object", &is_json, 0, 0},
	};
	const struct options options = {"version", NULL, NULL, specs, OPTIONS_COUNT(specs)};
	const char *const names[] = {"libmicrohttpd", "libcurl", "yyjson", "zstd", "zlib", "openssl", "sqlite"};
	const char *const versions[] = {MHD_get_version(),     curl_version_info(CURLVERSION_NOW)->version,
					YYJSON_VERSION_STRING, ZSTD_versionString(),
					zlibVersion(),         OpenSSL_version(OPENSSL_VERSION_STRING),
					sqlite3_libversion()};
	int code;

	if (options_parse(&options, argc, argv, NULL, &code))
		return code;
	printf(is_json ? "{\"stele\":\"%s\"" : "stele %s\n", STELE_VERSION);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf(is_json ? ",\"%s\":\"%s\"" : "  %s %s\n", names[i], versions[i]);
	printf(is_json ? "}\n" : "");
	return EXIT_CODE_OK;
}
