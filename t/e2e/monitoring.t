#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# Debian's Prometheus scrapes nginx while clients pull from a real registry:
# each query of packaging/monitoring has a result, and counters are right.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use Schema1::Documents;
use Schema1::E2E;
use Schema1::Images;
use Schema1::Prometheus qw(tools check_metrics);
use Schema1::Servers;

my $folder = "$Schema1::Servers::top/packaging/monitoring";
my $tools = tools();

plan skip_all => $Schema1::Prometheus::why unless $tools;

my $e2e = Schema1::E2E->new;
my $servers = $e2e->{servers};
my $port = Schema1::Servers::free_port();
my $dashboard = JSON::PP->new->utf8->decode(
    Schema1::Servers::slurp("$folder/dashboard.json"));

# what Grafana puts in the place of its variables
my %variables = ('$job' => 'registry-proxy', '$instance' => '.*',
                 '$__rate_interval' => '20s', '$__range' => '5m');

start_nginx();
push_images();
$e2e->{prometheus} = start_prometheus();

test_rules();
test_layout();

pull_all();
wait_for_scrapes(3);
pull_all();
wait_for_scrapes(3);

test_metrics();
test_dashboard();
test_loaded_rules();

done_testing();


sub start_nginx
{
    my $key = "schema_conversion_key $e2e->{keys}/ec256.pem;";
    my $registry = "http://127.0.0.1:$e2e->{registry}";

    $servers->nginx('watched', <<END, $port);
    schema_conversion_cache_zone one:64k;

    server {
        listen 127.0.0.1:$port;
        schema_conversion on;
        $key
        schema_conversion_cache one;

        location /v2/ {
            proxy_pass $registry;
        }

        location /v2/e2e/list/ {
            schema_conversion_platform linux/s390x;
            proxy_pass $registry;
        }

        location /v2/e2e/oci/blobs/ {
            return 503;
        }

        location = /schema1-status {
            schema_conversion_status;
            access_log off;
        }
    }
END
}


# one with a long history, and more than the zone has space for
sub push_images
{
    put_image('e2e/long', history => [
        {}, {}, map { { empty_layer => JSON::PP::true } } 1 .. 126]);

    put_image("e2e/big$_", config => { x => 'y' x 9000 . $_ }) for 1 .. 8;
}


sub put_image
{
    my ($name, %opt) = @_;

    my $url = "http://127.0.0.1:$e2e->{registry}/v2/$name";
    my $image = image_documents(%opt);

    Schema1::Images->put_blob($url, $_) for values %{$image->{blobs}};
    Schema1::Images->put_manifest($url, '1', $image->{type}, $image->{body});
}


sub start_prometheus
{
    my $prometheus = Schema1::Servers::free_port();
    my $config = $servers->dir('prometheus.yml');

    Schema1::Servers::put($config, <<END);
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files:
  - $folder/alerts.yml
scrape_configs:
  - job_name: registry-proxy
    metrics_path: /schema1-status
    params:
      format: [prometheus]
    static_configs:
      - targets: ['127.0.0.1:$port']
END

    $servers->spawn('prometheus', "$tools/prometheus",
                    "--config.file=$config",
                    '--storage.tsdb.path=' . $servers->dir('tsdb'),
                    "--web.listen-address=127.0.0.1:$prometheus");
    $servers->wait_for('prometheus', 60, sub {
        Schema1::Servers::answers($prometheus)
            && eval { (Schema1::Servers::get("http://127.0.0.1:$prometheus"
                                             . '/-/ready'))[0] == 200 };
    });

    return $prometheus;
}


# old clients except for one
sub pull_all
{
    my $path = "http://127.0.0.1:$port/v2/e2e";
    my %got;

    for my $pull ([200, 'docker', Accept => $Schema1::E2E::modern],
                  [200, 'docker'], [404, 'list'], [502, 'oci'], [200, 'long'],
                  map { [200, "big$_"] } 1 .. 8)
    {
        my ($want, $name, %headers) = @$pull;
        my ($status) = Schema1::Servers::get("$path/$name/manifests/1",
                                             %headers);

        $got{"$name $status"}++ unless $status == $want;
    }

    is_deeply(\%got, {}, 'each pull has the expected status');
}


sub wait_for_scrapes
{
    my ($n) = @_;

    my $end = time + 60;
    my $start = time;

    while (time < $end) {
        my ($up) = query('timestamp(up{job="registry-proxy"} == 1)');

        return if $up && $up->{value}[1] > $start + $n - 1;
        sleep 0.2;
    }

    die "Prometheus does not scrape\n" . $servers->log_tail('prometheus');
}


# the series of an instant query
sub query
{
    my ($expr) = @_;

    my $encoded = $expr =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ger;
    my $json = api("query?query=$encoded");

    $json->{status} eq 'success' or die "$expr: $json->{error}\n";

    return @{$json->{data}{result}};
}


sub api
{
    my ($path) = @_;

    my (undef, undef, $body) = Schema1::Servers::get(
        "http://127.0.0.1:$e2e->{prometheus}/api/v1/$path");

    return JSON::PP->new->utf8->decode($body);
}


sub test_rules
{
    for my $file (['check', 'alerts.yml'], ['test', 'alerts-test.yml'],
                  ['test', 'alerts-unused-test.yml'])
    {
        my ($status, $said) = Schema1::Servers::run(
            "$tools/promtool", $file->[0], 'rules', "$folder/$file->[1]");

        is($status, 0, "promtool $file->[0] rules $file->[1]") or diag($said);
    }
}


# Grafana is not in Debian: what it requires of a panel
sub test_layout
{
    my (%id, %cell, @bad);

    for my $panel (@{$dashboard->{panels}}) {
        my ($x, $y, $w, $h) = @{$panel->{gridPos}}{qw(x y w h)};

        push @bad, "id of $panel->{title}" if $id{$panel->{id}}++;
        push @bad, "width of $panel->{title}" if $x + $w > 24;
        push @bad, "title of $panel->{id}" unless length $panel->{title};
        push @bad, "description of $panel->{title}"
            unless length $panel->{description};

        for my $at ($x .. $x + $w - 1) {
            push @bad, "place of $panel->{title}"
                if grep { $cell{"$at $_"}++ } $y .. $y + $h - 1;
        }

        for my $target (@{$panel->{targets}}) {
            push @bad, "data source of $panel->{title}"
                if $target->{datasource}{uid} ne '${datasource}';
        }
    }

    is_deeply(\@bad, [], 'panels have ids, titles and cells of their own');
}


# what Prometheus has stored is what nginx counted
sub test_metrics
{
    my $url = "http://127.0.0.1:$port/schema1-status";
    my (undef, undef, $json) = Schema1::Servers::get($url);
    my $counters = JSON::PP->new->utf8->decode($json);
    my (undef, undef, $text) = Schema1::Servers::get(
        "$url?format=prometheus");

    is(check_metrics($text), '', 'promtool check metrics');

    my %stored = map { $_->{metric}{outcome} => $_->{value}[1] }
                 query('schema_conversion_requests_total');

    is_deeply(\%stored, $counters->{outcomes}, 'outcomes in Prometheus');
    is($stored{PASS}, 2, 'a modern client passes');
    is($stored{ERROR}, 2, 'errors of the storage are counted');
    is($stored{UNCONVERTIBLE}, 2, 'a missing platform is counted');
    cmp_ok($stored{CONVERTED}, '>', 8, 'conversions are counted');
    cmp_ok($counters->{caches}{one}{evictions}, '>', 2, 'evictions');

    my ($long) = query('schema_conversion_long_histories_total');
    is($long->{value}[1], 2, 'long histories in Prometheus');

    my ($size) = query('schema_conversion_cache_size_bytes{zone="one"}');
    is($size->{value}[1], 65536, 'size of the zone in Prometheus');
}


sub test_dashboard
{
    my @panels = @{$dashboard->{panels}};

    cmp_ok(scalar @panels, '>=', 10, 'the dashboard has panels');

    for my $panel (@panels) {
        for my $target (@{$panel->{targets}}) {
            my $expr = $target->{expr}
                =~ s/(\$\w+)/$variables{$1} \/\/ die "no $1"/ger;
            my @series = eval { query($expr) };

            ok(@series && !grep({ $_->{value}[1] =~ /NaN|Inf/ } @series),
               "$panel->{title}: query $target->{refId} has a result")
                or diag("$expr: " . ($@ || JSON::PP->new->encode(\@series)));

            # a legend without a label would be empty
            for my $label ($target->{legendFormat} =~ /\{\{(\w+)\}\}/g) {
                is(scalar(grep { !exists $_->{metric}{$label} } @series), 0,
                   "$panel->{title}: series have the label $label");
            }
        }
    }

    my ($share) = query('sum(increase(schema_conversion_requests_total'
                        . '{outcome!="PASS"}[1m]))');
    cmp_ok($share->{value}[1], '>', 0, 'old clients pulled in this minute');

    for my $variable (@{$dashboard->{templating}{list}}) {
        next unless $variable->{type} eq 'query';

        my ($expr) = $variable->{definition} =~ /^label_values\((.*), \w+\)$/;
        ok(scalar query($expr =~ s/(\$\w+)/$variables{$1}/ger),
           "variable $variable->{name} has values");
    }
}


sub test_loaded_rules
{
    my ($group) = @{api('rules')->{data}{groups}};
    my %state = map { $_->{name} => $_->{state} } @{$group->{rules}};
    my @unhealthy = map { "$_->{name}: $_->{health} $_->{lastError}" }
                    grep { $_->{health} ne 'ok' } @{$group->{rules}};

    is_deeply(\@unhealthy, [], 'Prometheus evaluates each rule');

    is_deeply(\%state, {
        SchemaConversionDown          => 'inactive',
        SchemaConversionErrors        => 'pending',
        SchemaConversionFault         => 'inactive',
        SchemaConversionDenied        => 'inactive',
        SchemaConversionUnconvertible => 'firing',
        SchemaConversionLongHistories => 'firing',
        SchemaConversionCacheTooSmall => 'pending',
        SchemaConversionBusy          => 'inactive',
        SchemaConversionUnused        => 'inactive',
    }, 'alerts fire for this run');
}
