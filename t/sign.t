# Copyright (C) the ngx_http_schema1_module authors

# Each kind of key, and where it is set.

use Schema1;

plan tests => repeat_each() * 53;

our $app = image('team/app:1', layers => 2);
our $keys = $ENV{TEST_NGINX_KEYS};

# what the certificates hold, without white space and armour
our @chain = chain("$keys/chain.pem");
our @rsa_chain = chain("$keys/rsa2048-chain.pem");

sub chain
{
    my $text = Schema1::Keys::slurp($_[0]);

    return map { s/\s+//gr } $text
           =~ /-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----/gs;
}

run_tests();

__DATA__

=== TEST 1: signing with an RSA key
--- location
    schema_conversion_key $TEST_NGINX_KEYS/rsa2048.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers RS256



=== TEST 2: signing with an EC P-256 key
--- location
    schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256



=== TEST 3: signing with an EC P-384 key
--- location
    schema_conversion_key $TEST_NGINX_KEYS/ec384.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES384



=== TEST 4: signing with an EC P-521 key
--- location
    schema_conversion_key $TEST_NGINX_KEYS/ec521.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES512



=== TEST 5: signing with a PKCS #1 key
--- location
    schema_conversion_key $TEST_NGINX_KEYS/rsa2048-pkcs1.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers RS256



=== TEST 6: signing with a SEC 1 key
--- location
    schema_conversion_key $TEST_NGINX_KEYS/ec256-sec1.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256



=== TEST 7: signing with an RSA key in a JWK
--- location
    schema_conversion_key $TEST_NGINX_KEYS/rsa2048.jwk;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers RS256



=== TEST 8: signing with an EC key in a JWK
--- location
    schema_conversion_key $TEST_NGINX_KEYS/ec256.jwk;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256



=== TEST 9: signing with an encrypted key
--- location
    schema_conversion_key $TEST_NGINX_KEYS/encrypted.pem;
    schema_conversion_password_file $TEST_NGINX_KEYS/password;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256



=== TEST 10: signing with an ephemeral key
--- config
    location /v2/ {
        schema_conversion on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers RS256



=== TEST 11: signing with a certificate chain
--- location
    schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
    schema_conversion_certificate $TEST_NGINX_KEYS/chain.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256
--- response_body_like eval
qr/"x5c": \[\s+"\Q$::chain[0]\E",\s+"\Q$::chain[1]\E"\s+\]/
--- response_body_unlike
"jwk"



=== TEST 12: signing with an RSA certificate chain
--- location
    schema_conversion_key $TEST_NGINX_KEYS/rsa2048.pem;
    schema_conversion_certificate $TEST_NGINX_KEYS/rsa2048-chain.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers RS256
--- response_body_like eval
qr/"x5c": \[\s+"\Q$::rsa_chain[0]\E",\s+"\Q$::rsa_chain[1]\E"\s+\]/



=== TEST 13: a signature has libtrust's members and indentation
--- request
GET /v2/team/app/manifests/1
--- response_body_like eval
my $b = '[A-Za-z0-9_-]+';
qr/\A\{\n   "schemaVersion": 1,.*\n   \],
   "signatures": \[
      \{
         "header": \{
            "jwk": \{
               "crv": "P-256",
               "kid": "(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}",
               "kty": "EC",
               "x": "$b",
               "y": "$b"
            \},
            "alg": "ES256"
         \},
         "signature": "$b",
         "protected": "$b"
      \}
   \]
\}\z/s



=== TEST 14: the header of an RSA key has its members
--- location
    schema_conversion_key $TEST_NGINX_KEYS/rsa2048.pem;
--- request
GET /v2/team/app/manifests/1
--- response_body_like eval
my $b = '[A-Za-z0-9_-]+';
qr/            "jwk": \{
               "e": "AQAB",
               "kid": "(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}",
               "kty": "RSA",
               "n": "$b"
            \},
            "alg": "RS256"/



=== TEST 15: a key is inherited from the server
--- http_config
    schema_conversion_key $TEST_NGINX_KEYS/rsa2048.pem;
--- config
    schema_conversion on;
    schema_conversion_key $TEST_NGINX_KEYS/ec384.pem;

    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES384



=== TEST 16: a location's key takes precedence
--- server
    schema_conversion_key $TEST_NGINX_KEYS/ec384.pem;
--- location
    schema_conversion_key $TEST_NGINX_KEYS/ec521.pem;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES512



=== TEST 17: a key is inherited from http
--- http_config
    schema_conversion on;
    schema_conversion_key $TEST_NGINX_KEYS/ec521.pem;
--- config
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES512
