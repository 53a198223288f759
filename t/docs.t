#!/usr/bin/perl

# (C) the ngx_http_schema1_module authors

# What README.md and docs/ say: every nginx block in them passes "nginx -t",
# every directive, variable, reason and message of the sources is in them and
# no other is, and every link leads somewhere.

###############################################################################

use warnings;
use strict;

use File::Find;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

###############################################################################

my $reference = 'docs/reference.md';
my @pages = ('README.md', sort glob('docs/*.md'));
my @sources = ('ngx_http_schema1_module.c', sort glob('src/*.c src/core/*.c'));

# a program of its own, not what nginx and clients see
@sources = grep { $_ ne 'src/schema1-convert.c' } @sources;

my %text = map { $_ => slurp($_) } @pages;
my $code = join "\n", map { slurp($_) } @sources;

test_links();
test_names();
test_messages();
test_blocks();

done_testing();

###############################################################################

sub slurp {
	my ($file) = @_;

	open my $fh, '<', $file or die "can't open $file: $!\n";
	local $/;
	return <$fh>;
}

sub spew {
	my ($file, $content) = @_;

	open my $fh, '>', $file or die "can't write $file: $!\n";
	print $fh $content;
	close $fh or die "can't write $file: $!\n";
}

# without code, where "[x](y)" is no link

sub prose {
	my ($markdown) = @_;

	$markdown =~ s/^```.*?^```$//gms;
	$markdown =~ s/`[^`\n]*`//g;

	return $markdown;
}

# the anchors that GitHub makes of headings

sub anchors {
	my ($markdown) = @_;
	my (%seen, %anchors);

	$markdown =~ s/^```.*?^```$//gms;

	while ($markdown =~ /^#+ +(.*?) *$/gm) {
		my $slug = lc $1;

		$slug =~ s/[^\w\- ]//g;
		$slug =~ tr/ /-/;
		$slug .= "-$seen{$slug}" if $seen{$slug}++;

		$anchors{$slug} = 1;
	}

	return \%anchors;
}

sub test_links {
	for my $page (@pages) {
		my @broken;

		for my $link (prose($text{$page}) =~ /\]\(([^)\s]+)\)/g) {
			next if $link =~ m!^https?://!;

			my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
			my ($dir) = $page =~ m!^(.*/)?[^/]*$!;
			my $file = $path eq '' ? $page : ($dir // '') . $path;

			$file =~ s!docs/\.\./!!;

			if (!-e $file) {
				push @broken, $link;

			} elsif (defined $anchor
				&& !anchors(slurp($file))->{$anchor})
			{
				push @broken, $link;
			}
		}

		is("@broken", '', "$page: links lead somewhere");
	}
}

# directives, variables and reasons: the documents against the sources

sub test_names {
	my %known = (
		directives => [ $code =~ /ngx_string\("(schema_conversion\w*)"\)/g ],
		variables => [ $code =~ /ngx_string\("(schema1_\w+)"\)/g ],
		reasons => [ $code =~ /^    \{ "(\w+)", +\d+, +"[A-Z_]+" \}/gm ],
	);

	my %documented = (
		directives => [ $text{$reference} =~ /^### (schema_conversion\w*)$/gm ],
		variables => [ $text{$reference} =~ /^### \$(schema1_\w+)$/gm ],
		reasons => [ $text{$reference} =~ /^#### (\w+)$/gm ],
	);

	for my $kind (sort keys %known) {
		my %seen;
		my @known = grep { !$seen{$_}++ } sort @{$known{$kind}};

		cmp_ok(scalar @known, '>', 0, "the sources have $kind");
		is_deeply([ sort @{$documented{$kind}} ], \@known,
			"$reference: $kind are those of the sources");
	}

	for my $name (@{$known{directives}}) {
		like($text{'README.md'}, qr/^### \Q$name\E$/m,
			"README.md: describes $name");
	}

	for my $name (@{$known{variables}}) {
		like($text{'README.md'}, qr/^\| `\$\Q$name\E`/m,
			"README.md: lists \$$name");
	}
}

# A call's format string: neighbouring literals joined, escapes undone, what
# stands for a value replaced by a mark.

sub literals {
	my ($from) = @_;
	my $joined = '';

	$joined .= $1 while $from =~ /\G\s*"((?:[^"\\]|\\.)*)"/gc;
	$joined =~ s/\\(.)/$1/g;
	$joined =~ s/%[.*0-9]*(?:ll|l|z|u)?[a-zA-Z]/\0/g;

	return $joined;
}

# The messages that clients and logs see stand in the reference as `code`, with
# an ellipsis for each value.

sub test_messages {
	my (@messages, %seen);

	while ($code =~ /schema1_error_set\((?:[^;"]|\n)*?(?=")/g) {
		push @messages, literals(substr($code, pos $code));
	}

	cmp_ok(scalar @messages, '>', 20, 'the sources have messages');

	my @said = $text{$reference} =~ /`([^`\n]+)`/g;
	my @missing;

	for my $message (grep { !$seen{$_}++ } @messages) {
		my $pattern = join '.*', map { quotemeta } split /\0+/, $message;

		push @missing, $message =~ s/\0/.../gr
			unless grep { /^(?:\.\.\.|…)?\s*$pattern/ } @said;
	}

	is(join("\n", @missing), '',
		"$reference: has every message of the sources");

	# and back: what a table of messages quotes has to be in the sources

	(my $strings = $code) =~ s/"\s*\n\s*"//g;
	$strings =~ s/\\"/"/g;

	my @unknown;

	for my $row ($text{$reference} =~ /^- `([^`\n]+)`$/gm) {
		for my $part (split /…/, $row) {
			$part =~ s/^\s+|\s+$//g;
			push @unknown, $part
				if length $part > 7 && index($strings, $part) < 0;
		}
	}

	is(join("\n", @unknown), '',
		"$reference: quotes no message that the sources don't have");
}

###############################################################################

# "<!-- test: CONTEXT -->" right before a block says where the block belongs:
# main (a complete nginx.conf), http, server or location

sub test_blocks {
	my @blocks;

	for my $page (@pages) {
		my $markdown = $text{$page};

		while ($markdown =~ /^([^\n]*)\n```nginx\n(.*?)^```$/gms) {
			my ($before, $block) = ($1, $2);
			my $line = 2 + (substr($markdown, 0, $-[0]) =~ tr/\n//);
			my ($context) =
				$before =~ /^<!-- test: (main|http|server|location) -->$/;

			push @blocks, {
				name => "$page:$line", context => $context,
				block => $block,
			};
		}
	}

	cmp_ok(scalar @blocks, '>', 10, 'the documents have nginx blocks');

	for my $b (@blocks) {
		ok(defined $b->{context}, "$b->{name}: says where it belongs");
	}

	my $nginx = nginx();

	SKIP: {
		skip $nginx->{reason}, scalar @blocks if $nginx->{reason};

		for my $b (grep { defined $_->{context} } @blocks) {
			my $output = try_block($nginx, $b);

			ok($output eq '', "$b->{name}: passes nginx -t")
				or diag($output);
		}
	}
}

# The nginx binary, and what loads the module into it.  A module that was built
# but does not load is no reason to skip.

sub nginx {
	my $binary = $ENV{TEST_NGINX_BINARY};

	if (!$binary) {
		($binary) = grep { -x }
			map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin';
	}

	return { reason => 'there is no nginx' } unless $binary;

	my $version = `'$binary' -V 2>&1`;

	return { binary => $binary, modules => [] }
		if $version =~ /--add-module=\S*schema1/;

	my @modules = split ' ', $ENV{TEST_NGINX_LOAD_MODULES} // '';

	if (!@modules && -d 'build') {
		my %age;

		find({ no_chdir => 1, wanted => sub {
			$age{$_} = -M $_ if m!/ngx_http_schema1_module\.so$!;
		}}, 'build');

		my @found = sort { $age{$a} <=> $age{$b} } keys %age;

		# several nginx versions may have been built for

		@modules = grep {
			try_block({ binary => $binary, modules => [ $_ ] },
				{ context => 'http', block => '' }) eq ''
		} @found;

		@modules = @found unless @modules;
		@modules = @modules[0 .. 0] if @modules;
	}

	return { reason => 'the module was not built' } unless @modules;

	require Cwd;

	return {
		binary => $binary,
		modules => [ map { Cwd::abs_path($_) // $_ } @modules ],
	};
}

# returns what nginx says, nothing where it is content

sub try_block {
	my ($nginx, $b) = @_;

	my $dir = tempdir('schema1-docs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $temp = join ' ', map { "${_}_temp_path $dir/temp/$_;" }
		grep { $_ ne 'proxy' || $b->{block} !~ /proxy_temp_path/ }
		qw(client_body proxy fastcgi uwsgi scgi);
	my $http = "http { $temp access_log $dir/logs/access.log; ";
	my $conf = $b->{block};

	if ($b->{context} eq 'main') {
		$conf =~ s/^load_module .*\n//mg;
		$conf =~ s/^http \{/$http/m;

	} else {
		$conf = "location /v2/ {\n$conf\n}" if $b->{context} eq 'location';
		$conf = "server {\nlisten 18080;\n$conf\n}"
			if $b->{context} =~ /^(?:location|server)$/;
		$conf = "events { }\n$http\n$conf\n}\n";
	}

	make_path(map { "$dir/$_" } qw(logs temp cache tls etc conf));

	$conf =~ s!/var/log/nginx/!$dir/logs/!g;
	$conf =~ s!/var/cache/nginx/!$dir/cache/!g;
	$conf =~ s!/etc/nginx/!$dir/etc/!g;
	$conf =~ s!/etc/ssl/!$dir/etc/!g;
	$conf =~ s!(\blisten\s+)(\d+)\b!
		$1 . '127.0.0.1:' . ($2 < 1024 ? $2 + 20000 : $2)!ge;

	keys_for($dir, $conf);

	spew("$dir/nginx.conf", join("\n",
		"pid $dir/nginx.pid;", "error_log $dir/logs/error.log;",
		map({ "load_module $_;" } @{$nginx->{modules}}), $conf));

	my $output = `'$nginx->{binary}' -t -p $dir -c $dir/nginx.conf 2>&1`;
	my $failed = $?;

	return '' if !$failed && $output !~ /\[(?:warn|emerg|alert|error)\]/;

	return $output || "nginx -t failed\n";
}

# whatever key, certificate or password file a block names is made for it

sub keys_for {
	my ($dir, $conf) = @_;

	my @cert = $conf =~ /\bcertificate\s+(\S+);/g;
	push @cert, $conf =~ /_(?:certificate|trusted_certificate)\s+(\S+);/g;
	my @keys = $conf =~ /\b(?:schema_conversion_key|\w+certificate_key)\s+(\S+);/g;
	my @passwords = $conf =~ /\b\w*password_file\s+(\S+);/g;
	my @users = $conf =~ /\bauth_basic_user_file\s+(\S+);/g;

	if (@cert || @keys) {
		run("openssl req -x509 -newkey ec -pkeyopt"
			. " ec_paramgen_curve:P-256 -nodes -keyout $dir/key"
			. " -out $dir/cert -days 2 -subj /CN=example");
		run("openssl pkcs8 -topk8 -v2 aes-256-cbc -in $dir/key"
			. " -out $dir/key.encrypted -passout pass:secret")
			if @passwords;
	}

	for my $file (@cert, @keys, @passwords, @users) {
		make_path($1) if $file =~ m!^(.*)/!;
	}

	spew($_, slurp("$dir/cert")) for @cert;

	for my $file (@keys) {
		my $kind = @passwords && $conf =~ /schema_conversion_key\s+\Q$file\E;/
			? 'key.encrypted' : 'key';

		spew($file, slurp("$dir/$kind"));
		chmod 0600, $file;
	}

	for my $file (@passwords) {
		spew($file, "secret\n");
		chmod 0600, $file;
	}

	spew($_, "user:{PLAIN}secret\n") for @users;
}

sub run {
	my ($command) = @_;

	my $output = `$command 2>&1`;
	die "$command: $output\n" if $?;
}

###############################################################################
