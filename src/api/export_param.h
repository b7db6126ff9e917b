/* What an export is of, from the parameters of GET /v1/export or POST /v1/exports. */
#ifndef STELE_API_EXPORT_PARAM_H
#define STELE_API_EXPORT_PARAM_H

#include "api/param.h"
#include "service/export.h"

#define PARAMS_EXPORT (PARAMS_SCOPE | PARAM_BIT(FORMAT) | PARAM_BIT(ORDER) | PARAM_BIT(COLUMNS))

/* E_INVALID; the texts are borrowed. */
int export_param_take(const struct params *given, struct export_params *ret, struct err *err)
	__attribute__((warn_unused_result));

#endif
