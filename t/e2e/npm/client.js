// Copyright (C) the ngx_http_schema1_module authors
//
// Pulls an image by npm's docker-registry-client, an old client that is not
// ours: it sends no modern Accept, verifies the signature, the digest of the
// payload and the digest of each layer.
//
//     node client.js http://HOST:PORT/NAME TAG
//
// Prints a line of JSON; "error" says why something did not hold.

var crypto = require('crypto');
var drc = require('docker-registry-client');

var url = process.argv[2];
var tag = process.argv[3];

var client = drc.createClientV2({
    name: url.replace(/^http:\/\//, ''),
    scheme: 'http',
    insecure: true,
    maxSchemaVersion: 1
});


function done(result)
{
    console.log(JSON.stringify(result));
    client.close();
    process.exit(result.error ? 1 : 0);
}


function layer(digest, next)
{
    client.createBlobReadStream({digest: digest}, function (err, stream) {
        if (err) {
            return done({error: digest + ': ' + err.message});
        }

        var hash = crypto.createHash('sha256');

        stream.on('data', function (data) { hash.update(data); });
        stream.on('error', function (e) { done({error: e.message}); });
        stream.on('end', function () {
            if ('sha256:' + hash.digest('hex') !== digest) {
                return done({error: digest + ': other bytes'});
            }
            next();
        });
        stream.resume();
    });
}


function layers(list, result)
{
    if (list.length === 0) {
        return done(result);
    }

    layer(list[0], function () { layers(list.slice(1), result); });
}


client.getManifest({ref: tag}, function (err, manifest, res) {
    if (err) {
        return done({error: err.message});
    }

    var sums = {};

    manifest.fsLayers.forEach(function (l) { sums[l.blobSum] = true; });

    layers(Object.keys(sums), {
        name: manifest.name,
        tag: manifest.tag,
        schemaVersion: manifest.schemaVersion,
        architecture: manifest.architecture,
        alg: manifest.signatures[0].header.alg,
        digest: res.headers['docker-content-digest'],
        layers: Object.keys(sums).length
    });
});
