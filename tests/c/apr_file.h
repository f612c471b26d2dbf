/*
 * apr_file.h: writes .apr files of version 1 for tests: one of every kind that predicts.
 */
#ifndef APR_FILE_H
#define APR_FILE_H

#include "host.h"

enum apr_kind {
    APR_LINEAR, APR_RIDGE, APR_LASSO, APR_ELASTIC_NET, APR_LOGISTIC, APR_TREE_CLASSIFIER,
    APR_TREE_REGRESSOR, APR_FOREST_CLASSIFIER, APR_FOREST_REGRESSOR, APR_KMEANS, APR_KINDS
};

/* A small trained model of that kind; bytes are to be freed. See apr_file.c for its numbers. */
host_file apr_file(enum apr_kind kind);

/* The file with that type code and payload. */
host_file apr_wrap(unsigned type, const void *payload, size_t n);

/* Makes the checksum right again. */
void apr_seal(host_file file);

#endif
