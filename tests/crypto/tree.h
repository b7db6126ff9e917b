/* The slow twin of the Merkle tree: RFC 6962 section 2.1, word for word, by recursion over the leaf hashes. */
#ifndef STELE_TESTS_CRYPTO_TREE_H
#define STELE_TESTS_CRYPTO_TREE_H

#include "crypto/digest.h"

static inline size_t naive_split(size_t n)
{
	size_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static inline struct sha256 naive_root(struct digest *d, const struct sha256 *leaf, size_t n)
{
	struct sha256 left, right, root;
	size_t k;

	if (n == 1)
		return leaf[0];
	if (n == 0) {
		digest_sha256(d, SPAN_LIT(""), &root);
		return root;
	}
	k = naive_split(n);
	left = naive_root(d, leaf, k);
	right = naive_root(d, leaf + k, n - k);
	digest_node(d, &left, &right, &root);
	return root;
}

/* The inputs of the Certificate Transparency reference tests. */
static const char *const classic_entries[8] = {
	"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
};

static const char *const classic_roots[9] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static inline void classic_leaves(struct digest *d, struct sha256 ret[8])
{
	for (size_t i = 0; i < 8; i++) {
		uint8_t entry[16];

		digest_leaf(d, unhex(classic_entries[i], entry), &ret[i]);
	}
}

#endif
