
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * A whole pull through the core's door.  The input is a line of options and
 * documents: the tag's first, then those that may be fetched.  "@D1" to "@D4"
 * stand for the digest of the document of that number, "@S1" for its size, so
 * that what is mutated still hashes right.
 *
 * options  accept, type of the tag's document, type of the others, what is
 *          done to digests, platform: a digit each; the number of the
 *          allocation that fails, in ASCII from "0", none
 */

#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "fuzz_manifest.h"
#include "schema1_base64.h"
#include "schema1_convert.h"
#include "schema1_json.h"
#include "schema1_jws.h"
#include "schema1_pull.h"


#define PULL_DOCUMENTS  5

/* what is done to digests */

#define PULL_NO_HEADER  1           /* the tag's document comes without */
#define PULL_SPOILT     2           /* what is fetched is another document */
#define PULL_BAD_TAG    4           /* the tag's document is another */


typedef struct {
    unsigned            option[5];
    size_t              failing;
    size_t              n;
    schema1_str_t       source[PULL_DOCUMENTS];
    schema1_buf_t       document[PULL_DOCUMENTS];
    char                digest[PULL_DOCUMENTS][65];
    size_t              given;          /* the document given last */
    size_t              manifest;       /* the one that names the config */
    bool                spoilt;         /* another was given for one */
    size_t              total;
} pull_t;


static void pull_split(pull_t *p, schema1_str_t input);
static void pull_expand(pull_t *p, size_t i);
static void pull_conf(const pull_t *p, schema1_pull_conf_t *conf);
static void pull_run(pull_t *p);
static schema1_pull_step_e pull_fetch(pull_t *p, schema1_pull_t *pull,
    char **held, schema1_error_t *err);
static void pull_spoil(pull_t *p, char *document, size_t len);
static void pull_check_answer(const pull_t *p,
    const schema1_pull_conf_t *conf, const schema1_answer_t *answer);
static void pull_check_schema2(const pull_t *p,
    const schema1_answer_t *answer);
static void pull_check_schema1(const pull_t *p,
    const schema1_pull_conf_t *conf, const schema1_answer_t *answer);
static void pull_check_body(schema1_str_t body, schema1_str_t payload);
static void pull_check_payload(const pull_t *p,
    const schema1_pull_conf_t *conf, const schema1_answer_t *answer,
    const json_t *payload);
static size_t pull_check_layer(const schema1_manifest_t *manifest,
    const char *blob, bool throwaway, size_t layer);
static bool pull_compatibility(const json_t *entry, char *id, char *parent);
static bool pull_has_base_layer(const pull_t *p);
static void pull_check_signature(const json_t *body, schema1_str_t payload);
static bool pull_is_hex(const char *text, size_t len);
static void pull_copy_text(const fuzz_node_t *node, char *to, size_t size);
static void pull_key(void);


static EVP_PKEY             *pull_pkey;
static const schema1_key_t  *pull_signer;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           *copy;
    size_t          i;
    pull_t          p;
    schema1_str_t   input;

    pull_key();

    copy = fuzz_copy(&input, data, size);

    memset(&p, 0, sizeof(pull_t));

    pull_split(&p, input);

    if (p.total <= 256 * 1024) {
        pull_run(&p);
    }

    for (i = 0; i < PULL_DOCUMENTS; i++) {
        schema1_buf_free(&p.document[i]);
    }

    free(copy);

    return 0;
}


static void
pull_split(pull_t *p, schema1_str_t input)
{
    size_t         i;
    schema1_str_t  options;

    options = fuzz_part(&input, '\n');

    for (i = 0; i < 5 && i < options.len; i++) {
        p->option[i] = (unsigned) options.data[i] & 7;
    }

    if (options.len > 5 && options.data[5] > '0') {
        p->failing = (size_t) (options.data[5] - '0');
    }

    do {
        p->source[p->n++] = fuzz_part(&input, FUZZ_SEPARATOR);
    } while (p->n < PULL_DOCUMENTS && input.len != 0);

    for (i = p->n; i-- > 0; /* void */ ) {
        pull_expand(p, i);
    }
}


/* only later documents may be named: they are there already */

static void
pull_expand(pull_t *p, size_t i)
{
    char           number[32];
    size_t         j, at;
    schema1_buf_t  *to;
    schema1_str_t  from;

    to = &p->document[i];
    from = p->source[i];

    for (j = 0; j < from.len; j++) {
        at = from.len - j > 2 ? (size_t) (from.data[j + 2] - '0') : 0;

        if (from.data[j] != '@' || at <= i || at >= p->n
            || (from.data[j + 1] != 'D' && from.data[j + 1] != 'S'))
        {
            schema1_buf_putc(to, from.data[j]);
            continue;
        }

        if (from.data[j + 1] == 'D') {
            schema1_buf_puts(to, "sha256:");
            schema1_buf_puts(to, p->digest[at]);

        } else {
            (void) snprintf(number, sizeof(number), "%zu",
                            p->document[at].len);
            schema1_buf_puts(to, number);
        }

        j += 2;
    }

    fuzz_sha256(fuzz_buf(to), p->digest[i]);
    p->total += to->len;
}


static void
pull_conf(const pull_t *p, schema1_pull_conf_t *conf)
{
    schema1_str_t       line;

    static const char  *accepts[] = {
        "",
        "*/*",
        "application/json",
        "application/vnd.docker.distribution.manifest.v2+json, "
        "application/vnd.docker.distribution.manifest.list.v2+json, "
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json, "
        "application/json",
        "application/vnd.docker.distribution.manifest.v2+json, "
        "application/vnd.docker.distribution.manifest.list.v2+json, "
        "application/vnd.oci.image.manifest.v1+json, "
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json, */*"
    };

    static const char  *platforms[] = {
        "linux/amd64", "linux/arm/v7", "windows/amd64", "linux/arm64/v8",
        "linux/amd64", "nonsense", "", "linux/s390x"
    };

    memset(conf, 0, sizeof(schema1_pull_conf_t));

    conf->name = fuzz_text("library/app");
    conf->tag = fuzz_text("1.0_x-Y");
    conf->platform = fuzz_text(platforms[p->option[4]]);
    conf->client_platform = (p->option[4] >= 4);
    conf->key = pull_signer;
    conf->now = 1500000000;

    line = fuzz_text(accepts[p->option[0]]);
    schema1_accept_read(&conf->accept, &line, 1);
}


static void
pull_run(pull_t *p)
{
    char                 digest[7 + 64 + 1], *held;
    size_t               steps;
    schema1_pull_t      *pull;
    schema1_pull_step_e  step;
    schema1_error_t      err;
    schema1_document_t   document;
    schema1_pull_conf_t  conf;

    static const char   *types[] = {
        "", "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json", "application/json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "text/html"
    };

    pull_conf(p, &conf);
    held = NULL;
    memset(&document, 0, sizeof(schema1_document_t));

    (void) snprintf(digest, sizeof(digest), "sha256:%s", p->digest[0]);

    document.body = fuzz_buf(&p->document[0]);
    document.type = fuzz_text(types[p->option[1]]);

    if (!(p->option[3] & PULL_NO_HEADER)) {
        document.digest = fuzz_text(digest);

        if (p->option[3] & PULL_BAD_TAG) {
            digest[10] = digest[10] == '0' ? '1' : '0';
        }
    }

    fuzz_memory_start();

    pull = schema1_pull_new(&conf);
    fuzz_check(pull != NULL);

    (void) fuzz_memory_fail(p->failing);

    step = schema1_pull_feed(pull, &document, &err);

    fuzz_check(step == SCHEMA1_PULL_PASS || step == SCHEMA1_PULL_NEED_LOOKUP
               || step == SCHEMA1_PULL_ERROR);
    fuzz_check(step == SCHEMA1_PULL_PASS
               || !schema1_accept_is_modern(&conf.accept));

    if (step == SCHEMA1_PULL_NEED_LOOKUP) {
        fuzz_check(document.digest.len == 0
                   || !(p->option[3] & PULL_BAD_TAG));
        fuzz_check(strcmp(schema1_pull_answer(pull)->source_digest.data + 7,
                          p->digest[0])
                   == 0);

        step = schema1_pull_feed(pull, NULL, &err);

        fuzz_check(step == SCHEMA1_PULL_NEED_FETCH || step == SCHEMA1_PULL_DONE
                   || step == SCHEMA1_PULL_ERROR);
    }

    /* a list, a list within it, a manifest, a config */

    for (steps = 0; step == SCHEMA1_PULL_NEED_FETCH; steps++) {
        fuzz_check(steps < 3);
        step = pull_fetch(p, pull, &held, &err);
    }

    /*
     * Escapes make a payload seven times its config, and it grows by doubling
     * while it is signed; the shortest history entries make the longest ones,
     * of which there are 10,000 at most.
     */

    fuzz_check(fuzz_memory_peak() <= 80 * p->total + 64 * 1024);

    if (fuzz_memory_fail(0)) {
        fuzz_check(step == SCHEMA1_PULL_ERROR);
        fuzz_check(err.reason == SCHEMA1_NO_MEMORY
                   || err.reason == SCHEMA1_SIGNING_FAILED);
    }

    if (step == SCHEMA1_PULL_DONE) {
        pull_check_answer(p, &conf, schema1_pull_answer(pull));

    } else if (step == SCHEMA1_PULL_ERROR) {
        fuzz_check_error(&err);
    }

    schema1_pull_free(pull);
    free(held);
}


/* the document of the digest that is wanted, if there is one */

static schema1_pull_step_e
pull_fetch(pull_t *p, schema1_pull_t *pull, char **held, schema1_error_t *err)
{
    size_t                         i;
    schema1_str_t                  hex;
    schema1_document_t             document;
    const schema1_pull_request_t  *want;

    want = schema1_pull_request(pull);

    fuzz_check(schema1_digest_valid(want->digest));

    hex = schema1_digest_hex(want->digest);

    for (i = 0; i < p->n; i++) {
        if (schema1_str_eq(hex, p->digest[i])) {
            break;
        }
    }

    /* nothing hashes to what is wanted: any document has to be refused */

    if (i == p->n) {
        i = 0;
        p->spoilt = true;
    }

    memset(&document, 0, sizeof(schema1_document_t));

    document.type = fuzz_text(p->option[2] & 1 ? "application/octet-stream"
                                               : "");

    if (!want->blob && p->option[2] & 2) {
        document.type = fuzz_text("application/vnd.oci.image.manifest.v1"
                                  "+json");
    }

    if (!want->blob && p->option[2] & 4) {
        document.type = fuzz_text("application/vnd.docker.distribution."
                                  "manifest.v1+prettyjws");
    }

    free(*held);
    *held = fuzz_copy(&document.body, p->document[i].data,
                      p->document[i].len);

    if (p->option[3] & PULL_SPOILT) {
        pull_spoil(p, *held, p->document[i].len);
    }

    if (want->blob) {
        p->manifest = p->given;
    }

    p->given = i;

    return schema1_pull_feed(pull, &document, err);
}


/* a document as good as the one that was wanted, but another */

static void
pull_spoil(pull_t *p, char *document, size_t len)
{
    while (len != 0 && strchr("0123456789abcdef", document[len - 1]) == NULL) {
        len--;
    }

    if (len != 0) {
        document[len - 1] = document[len - 1] == '1' ? '2' : '1';
        p->spoilt = true;
    }
}


static void
pull_check_answer(const pull_t *p, const schema1_pull_conf_t *conf,
    const schema1_answer_t *answer)
{
    fuzz_check(!schema1_accept_is_modern(&conf->accept));
    fuzz_check(answer->digest.len != 0);

    if (!answer->converted) {
        fuzz_check(answer->entries == 0);

        if (answer->type == SCHEMA1_TYPE_SIGNED
            || answer->type == SCHEMA1_TYPE_UNSIGNED)
        {
            fuzz_check(schema1_accept_has_schema1(&conf->accept));
            return;
        }

        fuzz_check(!p->spoilt);
        fuzz_check(conf->accept.types & 1u << answer->type);
        fuzz_check(fuzz_same(answer->body, fuzz_buf(&p->document[p->given])));
        fuzz_check(strcmp(answer->digest.data + 7, p->digest[p->given]) == 0);
        return;
    }

    fuzz_check(!p->spoilt);

    if (answer->type == SCHEMA1_TYPE_SCHEMA2) {
        pull_check_schema2(p, answer);
        fuzz_check(conf->accept.types & 1u << SCHEMA1_TYPE_SCHEMA2);
        return;
    }

    fuzz_check(answer->type == SCHEMA1_TYPE_SIGNED);
    fuzz_check(schema1_accept_has_schema1(&conf->accept));

    pull_check_schema1(p, conf, answer);
}


static void
pull_check_schema2(const pull_t *p, const schema1_answer_t *answer)
{
    char                hex[65];
    size_t              i;
    schema1_error_t     err;
    schema1_manifest_t  from, to;

    fuzz_sha256(answer->body, hex);
    fuzz_check(strcmp(answer->digest.data + 7, hex) == 0);
    fuzz_check(answer->entries == 0);

    fuzz_check(fuzz_manifest_read(&from,
                                  fuzz_buf(&p->document[p->given]), &err)
               == SCHEMA1_OK);
    fuzz_check(fuzz_manifest_read(&to, answer->body, &err) == SCHEMA1_OK);
    fuzz_check(from.nlayers == to.nlayers);

    for (i = 0; i < from.nlayers; i++) {
        fuzz_check(fuzz_same(from.layers[i].digest, to.layers[i].digest));
    }

    schema1_manifest_free(&from);
    schema1_manifest_free(&to);
}


/* what Docker 1.6 and later look at before they believe a manifest */

static void
pull_check_schema1(const pull_t *p, const schema1_pull_conf_t *conf,
    const schema1_answer_t *answer)
{
    char           hex[65];
    json_t        *body, *payload;
    schema1_buf_t  cut;

    memset(&cut, 0, sizeof(schema1_buf_t));

    fuzz_check(schema1_jws_payload(answer->body, &cut) == SCHEMA1_OK);

    fuzz_sha256(fuzz_buf(&cut), hex);

    fuzz_check(memcmp(answer->digest.data, "sha256:", 7) == 0);
    fuzz_check(strcmp(answer->digest.data + 7, hex) == 0);

    pull_check_body(answer->body, fuzz_buf(&cut));

    body = json_loadb(answer->body.data, answer->body.len,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    payload = json_loadb(cut.data, cut.len,
                         JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

    fuzz_check(body != NULL && payload != NULL);

    pull_check_payload(p, conf, answer, payload);

    /*
     * A signature takes as long to verify as all the rest.  A large payload
     * is signed in pieces.
     */

    if (hex[0] == '0' || cut.len > 48 * 1024) {
        pull_check_signature(body, fuzz_buf(&cut));
    }

    fuzz_check(json_object_del(body, "signatures") == 0);
    fuzz_check(json_equal(body, payload));

    json_decref(body);
    json_decref(payload);
    schema1_buf_free(&cut);
}


/* the answer is told for what it is */

static void
pull_check_body(schema1_str_t body, schema1_str_t payload)
{
    fuzz_check(fuzz_sniff(body, SCHEMA1_TYPE_GENERIC)
               == SCHEMA1_TYPE_SIGNED);
    fuzz_check(fuzz_sniff(payload, SCHEMA1_TYPE_GENERIC)
               == SCHEMA1_TYPE_UNSIGNED);
    fuzz_check(payload.len > 2
               && memcmp(payload.data + payload.len - 2, "\n}", 2) == 0);
}


static void
pull_check_payload(const pull_t *p, const schema1_pull_conf_t *conf,
    const schema1_answer_t *answer, const json_t *payload)
{
    char                (*ids)[65];
    char                  parent[65];
    bool                  throwaway, based;
    size_t                i, j, n, layer;
    json_t               *layers, *history;
    const char           *blob;
    schema1_error_t       err;
    schema1_manifest_t    manifest;

    fuzz_check(json_integer_value(json_object_get(payload, "schemaVersion"))
               == 1);
    fuzz_check(schema1_str_eq(conf->name,
                              json_string_value(json_object_get(payload,
                                                                "name"))));
    fuzz_check(schema1_str_eq(conf->tag,
                              json_string_value(json_object_get(payload,
                                                                "tag"))));
    fuzz_check(json_is_string(json_object_get(payload, "architecture")));

    layers = json_object_get(payload, "fsLayers");
    history = json_object_get(payload, "history");
    n = json_array_size(history);

    fuzz_check(n != 0 && n == answer->entries);
    fuzz_check(json_array_size(layers) == n);

    fuzz_check(fuzz_manifest_read(&manifest,
                                  fuzz_buf(&p->document[p->manifest]),
                                  &err)
               == SCHEMA1_OK);

    ids = calloc(n, sizeof(*ids));
    fuzz_check(ids != NULL);

    based = pull_has_base_layer(p);
    layer = 0;

    /* from the base layer, which comes last */

    for (i = n; i-- > 0; /* void */ ) {
        blob = json_string_value(json_object_get(json_array_get(layers, i),
                                                 "blobSum"));

        throwaway = pull_compatibility(json_array_get(history, i), ids[i],
                                       parent);

        if (i == n - 1) {
         fuzz_check(parent[0] == '\0' || (based && n > 1));

        } else {
         fuzz_check(strcmp(parent, ids[i + 1]) == 0);
        }

        for (j = n; n <= 256 && j-- > i + 1; /* void */ ) {
            fuzz_check(strcmp(ids[i], ids[j]) != 0);
        }

        layer = pull_check_layer(&manifest, blob, throwaway, layer);
    }

    fuzz_check(layer == manifest.nlayers);

    free(ids);
    schema1_manifest_free(&manifest);
}


/* each layer of the image once, in its place */

static size_t
pull_check_layer(const schema1_manifest_t *manifest, const char *blob,
    bool throwaway, size_t layer)
{
    fuzz_check(blob != NULL);
    fuzz_check(schema1_digest_valid(fuzz_text(blob)));

    if (throwaway) {
        fuzz_check(strcmp(blob, SCHEMA1_EMPTY_LAYER_DIGEST) == 0);
        return layer;
    }

    fuzz_check(layer < manifest->nlayers);
    fuzz_check(schema1_str_eq(manifest->layers[layer].digest, blob));

    return layer + 1;
}


/* reads an entry as Docker does, with Go's decoder; true: thrown away */

static bool
pull_compatibility(const json_t *entry, char *id, char *parent)
{
    bool                throwaway;
    const char         *text;
    fuzz_tree_t         tree;
    const fuzz_node_t  *node;

    text = json_string_value(json_object_get(entry, "v1Compatibility"));
    fuzz_check(text != NULL);

    fuzz_parse(&tree, fuzz_text(text));

    fuzz_check(tree.root != NULL && tree.root->type == FUZZ_OBJECT);

    pull_copy_text(fuzz_member(tree.root, "id"), id, 65);
    fuzz_check(pull_is_hex(id, 64));

    parent[0] = '\0';
    node = fuzz_member(tree.root, "parent");

    if (node != NULL) {
        pull_copy_text(node, parent, 65);
        fuzz_check(pull_is_hex(parent, 64));
    }

    node = fuzz_member(tree.root, "throwaway");
    throwaway = (node != NULL);

    fuzz_check(node == NULL || node->type == FUZZ_TRUE);

    fuzz_parse_free(&tree);

    return throwaway;
}


/*
 * Windows images that lean on a base no registry has.  Of several members each
 * is decoded over the former, so any of them may say so.
 */

static bool
pull_has_base_layer(const pull_t *p)
{
    bool                found;
    fuzz_tree_t         tree;
    const fuzz_node_t  *member;

    found = false;

    fuzz_parse(&tree, fuzz_buf(&p->document[p->given]));

    fuzz_check(tree.root != NULL);

    for (member = tree.root->child; member != NULL; member = member->next) {
        if (member->type == FUZZ_OBJECT
            && fuzz_members(member, "base_layer") != 0)
        {
            found = true;
        }
    }

    fuzz_parse_free(&tree);

    return found;
}


/* RFC 7515: over the protected header and the payload, encoded */

static void
pull_check_signature(const json_t *body, schema1_str_t payload)
{
    int                   n;
    json_t               *signature;
    BIGNUM               *r, *s;
    ECDSA_SIG            *sig;
    EVP_MD_CTX           *ctx;
    schema1_buf_t         input;
    unsigned char         raw[64], *der;

    memset(&input, 0, sizeof(schema1_buf_t));

    signature = json_array_get(json_object_get(body, "signatures"), 0);
    fuzz_check(json_array_size(json_object_get(body, "signatures")) == 1);

    schema1_buf_puts(&input, json_string_value(json_object_get(signature,
                                                               "protected")));
    schema1_buf_putc(&input, '.');
    schema1_base64url_encode(&input, (const unsigned char *) payload.data,
                             payload.len);

    n = schema1_base64url_decode(raw, sizeof(raw),
            fuzz_text(json_string_value(json_object_get(signature,
                                                        "signature"))));
    fuzz_check(n == 64);

    r = BN_bin2bn(raw, 32, NULL);
    s = BN_bin2bn(raw + 32, 32, NULL);
    sig = ECDSA_SIG_new();
    fuzz_check(ECDSA_SIG_set0(sig, r, s) == 1);

    der = NULL;
    n = i2d_ECDSA_SIG(sig, &der);
    fuzz_check(n > 0);

    ctx = EVP_MD_CTX_new();
    fuzz_check(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pull_pkey)
               == 1);
    fuzz_check(EVP_DigestVerify(ctx, der, (size_t) n,
                                (const unsigned char *) input.data,
                                input.len)
               == 1);

    EVP_MD_CTX_free(ctx);
    ECDSA_SIG_free(sig);
    OPENSSL_free(der);
    schema1_buf_free(&input);
}


static bool
pull_is_hex(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}


static void
pull_copy_text(const fuzz_node_t *node, char *to, size_t size)
{
    fuzz_check(node != NULL && node->type == FUZZ_STRING);
    fuzz_check(node->text.len < size);

    memcpy(to, node->text.data, node->text.len);
    to[node->text.len] = '\0';
}


static void
pull_key(void)
{
    BIO              *bio;
    char             *pem;
    EVP_PKEY_CTX     *ctx;
    schema1_str_t     data;
    schema1_error_t   err;

    if (pull_signer != NULL) {
        return;
    }

    /* EVP_EC_gen() is of OpenSSL 3 */
    ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);

    fuzz_check(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1);
    fuzz_check(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
                                                      NID_X9_62_prime256v1)
               == 1);
    fuzz_check(EVP_PKEY_keygen(ctx, &pull_pkey) == 1);

    EVP_PKEY_CTX_free(ctx);

    bio = BIO_new(BIO_s_mem());

    fuzz_check(bio != NULL);
    fuzz_check(PEM_write_bio_PrivateKey(bio, pull_pkey, NULL, NULL, 0, NULL,
                                        NULL)
               == 1);

    data.len = (size_t) BIO_get_mem_data(bio, &pem);
    data.data = pem;

    pull_signer = schema1_key_read(data, NULL, &err);
    fuzz_check(pull_signer != NULL);

    BIO_free(bio);
}
