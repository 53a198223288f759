package Schema1::Made;

# Copyright (C) the ngx_http_schema1_module authors

# What the module has to make of an image of Schema1::Documents, written down
# without the module.

use strict;
use warnings;

use JSON::PP;

use Schema1::Documents;

use Exporter 'import';

our @EXPORT = qw(made_schema2);

my %docker = (
    'application/vnd.oci.image.config.v1+json'
        => 'application/vnd.docker.container.image.v1+json',
    'application/vnd.oci.image.layer.v1.tar+gzip'
        => 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    'application/vnd.oci.image.layer.v1.tar'
        => 'application/vnd.docker.image.rootfs.diff.tar',
);


# a hash: type, body, digest; as distribution itself formats schema 2
sub made_schema2
{
    my ($image) = @_;

    my $manifest = JSON::PP->new->utf8->decode($image->{body});
    my $config = descriptor($manifest->{config}, '   ');
    my $layers = join ",\n", map { '      ' . descriptor($_, '      ') }
                             @{$manifest->{layers}};

    my $type = type_of('docker', 'manifest');
    my $body = <<END =~ s/\n\z//r;
{
   "schemaVersion": 2,
   "mediaType": "$type",
   "config": $config,
   "layers": [
$layers
   ]
}
END

    return { type => $type, body => $body, digest => digest($body) };
}


sub descriptor
{
    my ($of, $indent) = @_;

    my $type = $docker{$of->{mediaType}} || $of->{mediaType};

    return qq({
$indent   "mediaType": "$type",
$indent   "size": $of->{size},
$indent   "digest": "$of->{digest}"
$indent});
}


1;
