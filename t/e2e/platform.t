#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# The platform by the User-Agent that Docker sends, with the maps that the
# documents print: an index with variants, and Docker of each age.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP;
use Test::More;

use Schema1::Builders;
use Schema1::Docker;
use Schema1::Documents;
use Schema1::E2E;
use Schema1::JWS;

my $top = "$FindBin::Bin/../..";
my $image = 'b/index:variants';

# what the index has; "arch/arm" means version 7
my %platform_of = (amd64 => 'linux/amd64', arm64 => 'linux/arm64',
                   arm => 'linux/arm/v7');

# what Docker puts after its own and Go's version
my @agents = (
    'docker/1.6.2 go/go1.4.2 git-commit/7c8fca2 kernel/3.10.0 os/linux'
    . ' arch/%s',
    'docker/1.9.1 go/go1.4.3 git-commit/a34a1d5 kernel/4.1.19-v7+ os/linux'
    . ' arch/%s',
    'docker/1.13.1 go/go1.8.3 git-commit/092cba3 kernel/4.9.0 os/linux'
    . ' arch/%s UpstreamClient(Docker-Client/1.13.1 \(linux\))',
    'docker/18.03.1-ce go/go1.9.5 git-commit/9ee9f40 kernel/4.15.0 os/linux'
    . ' arch/%s UpstreamClient(Docker-Client/18.03.1-ce \(linux\))',
);

my $middle = join ', ', type_of('docker', 'manifest'),
    type_of('docker', 'list'), type_of('docker', 'schema1'),
    'application/json';

my $e2e = Schema1::E2E->new(needs => [qw(dockerd docker containerd runc)],
                            root => 1);
my $servers = $e2e->{servers};
my $builders = Schema1::Builders->new($servers->dir('builders'),
                                      $e2e->{registry});

$builders->indexes;
labelled("docs/recipes.md");
by_dockerd();
done_testing();


# nginx with the map of that page

sub labelled
{
    my ($page) = @_;

    my ($map, $variable) = map_of($page);

    ok($map, "$page: has a map") or return;
    start($page, $map, $variable);

    for my $agent (@agents) {
        for my $arch (sort keys %platform_of) {
            old_client($page, sprintf $agent, $arch);
            middle_client($page, sprintf $agent, $arch);
        }
    }

    # others say nothing of their machine
    for my $agent ('containerd/1.6.20', 'curl/7.29.0', 'skopeo/1.9.3') {
        is(platform_given($page, 'User-Agent' => $agent), 'linux/amd64',
           "$page: $agent: the default");
    }
}


sub map_of
{
    my ($page) = @_;

    my $text = Schema1::Servers::slurp("$top/$page");

    return $text =~ /^( *map \$http_user_agent (\$\w+) \{\n.*?\n *\}\n)/ms;
}


sub start
{
    my ($page, $map, $variable) = @_;

    $e2e->{$page} = Schema1::Servers::free_port();
    $e2e->{arm} = Schema1::Servers::free_port();

    $servers->nginx($page =~ s/\W/-/gr, <<END, $e2e->{$page});
$map

    server {
        listen 127.0.0.1:$e2e->{$page};

        location /v2/ {
            schema_conversion on;
            schema_conversion_key $e2e->{keys}/ec256.pem;
            schema_conversion_platform $variable;
            proxy_pass http://127.0.0.1:$e2e->{registry};
            proxy_set_header Host \$http_host;
        }
    }

    # an old client, and by its User-Agent another machine's
    server {
        listen 127.0.0.1:$e2e->{arm};

        location /v2/ {
            proxy_pass http://127.0.0.1:$e2e->{$page};
            proxy_set_header Host \$http_host;
            proxy_set_header Accept "";
            proxy_set_header User-Agent \$agent;
        }

        location / {
            return 404;
        }
    }

    # the real one of this machine's dockerd, but for the architecture
    map \$http_user_agent \$agent {
        "~^(?<before>docker/.* arch/)amd64(?<after>.*)"  "\${before}arm\$after";
        default  \$http_user_agent;
    }
END
}


sub old_client
{
    my ($page, $agent) = @_;

    my ($arch) = $agent =~ m{ arch/(\w+)};

    is(platform_given($page, 'User-Agent' => $agent), $platform_of{$arch},
       "$page: " . substr($agent, 0, 13) . "... arch/$arch");
}


# the label of its own config, which schema 1 bears along
sub platform_given
{
    my ($page, %headers) = @_;

    my ($name, $tag) = split /:/, $image;
    my ($status, $headers, $body) = $e2e->manifest($page => $image, %headers);

    $status == 200 or return "$status $body";
    $headers->{vary} eq 'Accept, User-Agent'
        or return "Vary: $headers->{vary}";

    my $jws = eval { check_schema1($body, $name, $tag) } or return $@;
    my $v1 = JSON::PP->new->decode($jws->{json}{history}[0]{v1Compatibility});

    return $v1->{config}{Labels}{platform};
}


# it knows Docker's lists, but the index is OCI's
sub middle_client
{
    my ($page, $agent) = @_;

    my ($arch) = $agent =~ m{ arch/(\w+)};
    my ($name) = split /:/, $image;
    my ($status, $headers, $body) = $e2e->manifest(
        $page => $image, 'User-Agent' => $agent, Accept => $middle);
    my $made = JSON::PP->new->utf8->decode($body);
    my (undef, undef, $config) = $e2e->blob(
        $page => $name, $made->{config}{digest} || '-');
    my $label = eval { JSON::PP->new->utf8->decode($config)
                       ->{config}{Labels}{platform} };

    is(join(' ', $status, $headers->{'content-type'}, $label // '-'),
       join(' ', 200, type_of('docker', 'manifest'), $platform_of{$arch}),
       "$page: " . substr($agent, 0, 13) . "... arch/$arch: schema 2");
}


sub by_dockerd
{
    my $docker = eval { Schema1::Docker->new($servers, schema1 => 1) };

    SKIP: {
        skip $@ =~ s/\s+$//r, 2 unless $docker;
        skip 'this machine is not amd64', 2
            if (($docker->docker('version', '--format',
                                 '{{.Server.Arch}}'))[1] !~ /^amd64$/);

        # of none: Docker 26 refuses what it pulls of another
        local $ENV{DOCKER_DEFAULT_PLATFORM} = '';

        my $name = "127.0.0.1:$e2e->{arm}/$image";
        my ($status, $said) = $docker->docker('pull', $name);

        is($status, 0, 'dockerd that says arch/arm: pulled') or diag($said);

        my $got = $docker->inspect($name) || {};

        is($got->{Config}{Labels}{platform}, 'linux/arm/v7',
           'dockerd that says arch/arm: its image');
    }

    $docker->stop if $docker;
}
