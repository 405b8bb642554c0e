#!/usr/bin/perl
# A program of one person that tries to read another person's screen, with nothing but what a bare
# server has. Writes what it got to ~/found, one line each: "own" for what it may have (which shows
# that the way works), "GOT" for what it may not have, "tried" for how often it tried.
# Arguments: display number, process ids, files, unix sockets, sesman port and account of the other.
use strict;
use Socket;
my ($display, $pids, $files, $sockets, $port, $account) = @ARGV;
my $home = $ENV{HOME};
open(my $found, '>', "$home/found.part") or die;
my $tell = sub { print $found join(' ', @_), "\n" };

# Shared memory of System V: every id that may exist, and every one that the kernel lists.
my @ids = (0 .. 4095, map { my $seq = $_; map { $seq * 32768 + $_ } 0 .. 63 } 1 .. 64);
my $own = shmget(0, 4096, 0600 | 512);
my $text;
my $readable = 0;
for my $id (@ids) { $readable++ if $id != $own && shmread($id, $text, 0, 16) }
$tell->('own shared memory') if shmread($own, $text, 0, 16);
$tell->('GOT shared memory', $readable) if $readable;
open(my $list, '<', '/proc/sysvipc/shm');
my @listed = <$list>;
$tell->('GOT listed shared memory', scalar(@listed) - 2) if @listed > 2;
$tell->('tried ids', scalar @ids);

# Shared memory of POSIX.
my @named = grep { !/^\.\.?$/ } do { opendir(my $folder, '/dev/shm'); readdir $folder };
$tell->('GOT /dev/shm', @named) if @named;
if (open(my $mine, '>', '/dev/shm/mine')) { $tell->('own /dev/shm'); }

sub reach {
  my ($address) = @_;
  socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or die;
  return connect($socket, pack_sockaddr_un($address)) ? $socket : undef;
}
# X servers: socket files, abstract sockets, ports. Its own is the way that works.
my ($number) = $ENV{DISPLAY} =~ /(\d+)/;
$tell->('own X') if reach("/tmp/.X11-unix/X$number");
socket(my $listening, PF_UNIX, SOCK_STREAM, 0);
bind($listening, pack_sockaddr_un("\0preau-reader-$$")) && listen($listening, 1);
$tell->('own abstract socket') if reach("\0preau-reader-$$");
for my $n ($display, $number) {
  $tell->('GOT X, abstract', $n) if reach("\0/tmp/.X11-unix/X$n");
  socket(my $tcp, PF_INET, SOCK_STREAM, 0);
  $tell->('GOT X, port', $n) if connect($tcp, pack_sockaddr_in(6000 + $n, inet_aton('127.0.0.1')));
}
for my $path ("/tmp/.X11-unix/X$display", split(/,/, $sockets)) {
  $tell->('GOT socket', $path) if reach($path);
}

# Its own X server is asked for the memory of others.
sub cookie {
  open(my $file, '<:raw', $ENV{XAUTHORITY}) or return '';
  local $/;
  my $all = <$file>;
  my $at = 2;
  my @fields;
  for (1 .. 4) {
    my $length = unpack('n', substr($all, $at, 2));
    push @fields, substr($all, $at + 2, $length);
    $at += 2 + $length;
  }
  return $fields[3];
}
sub pad { my ($text) = @_; return $text . "\0" x (-length($text) % 4) }
sub take {
  my ($socket, $length) = @_;
  my $all = '';
  while (length($all) < $length) {
    my $got = sysread($socket, my $piece, $length - length($all));
    return undef unless $got;
    $all .= $piece;
  }
  return $all;
}
if (my $x = reach("/tmp/.X11-unix/X$number")) {
  my ($name, $data) = ('MIT-MAGIC-COOKIE-1', cookie());
  syswrite($x, pack('CxvvvvS', ord('l'), 11, 0, length($name), length($data), 0) . pad($name) . pad($data));
  my $answer = take($x, 8);
  my $setup = take($x, 4 * unpack('v', substr($answer, 6, 2)));
  $tell->('own screen') if unpack('C', $answer) == 1;
  my $base = unpack('V', substr($setup, 4, 4));
  my $extension = 'MIT-SHM';
  syswrite($x, pack('CxvvS', 98, 2 + length(pad($extension)) / 4, length($extension), 0) . pad($extension));
  my ($present, $major) = unpack('CC', substr(take($x, 32), 8, 2));
  $tell->('tried extension', $present);
  my $attached = 0;
  for my $id ($present ? @ids : ()) {
    # Attach; then a question that is always answered: what comes before its answer is a refusal.
    syswrite($x, pack('CCvVVCx3', $major, 1, 4, $base + 1 + $id % 65536, $id, 1) . pack('Cxv', 43, 1));
    my $reply = take($x, 32);
    if (unpack('C', $reply) == 0) { take($x, 32) } else { $attached++ }
  }
  $tell->('GOT screens through its own X server', $attached) if $attached;
}

# The other's processes and files.
my $self = do { open(my $file, '<', "/proc/$$/environ"); local $/; <$file> };
$tell->('own environ') if $self =~ /PREAU_SESSION=/;
my ($session) = $self =~ /PREAU_SESSION=(\w+)/;
for my $pid (split(/,/, $pids), map { m{/proc/(\d+)} ? $1 : () } glob('/proc/[0-9]*')) {
  next if $pid == $$;
  if (open(my $file, '<', "/proc/$pid/environ")) {
    local $/;
    my $text = <$file>;
    $tell->('GOT environ', $pid) if $text =~ /PREAU_SESSION=(\w+)/ && $1 ne $session;
  }
  opendir(my $root, "/proc/$pid/root/home") or next;
  my @people = grep { !/^\./ && $_ ne $ENV{USER} } readdir $root;
  $tell->('GOT root', $pid, @people) if @people;
}
for my $path (split(/,/, $files)) {
  $tell->('GOT file', $path) if open(my $file, '<', $path);
}
$tell->('GOT home') if opendir(my $folder, (split(/,/, $files))[0] =~ s{/[^/]*$}{}r);

# A display of the other's account, asked of sesman itself.
if ($port) {
  open(my $ini, '>', "$home/sesman.ini");
  print $ini "[Globals]\nListenAddress=127.0.0.1\nListenPort=$port\n[Sessions]\n[Logging]\nLogFile=$home/log\n";
  close $ini;
  for my $host ('::1', '127.0.0.1') {
    my $said = `echo | /usr/bin/xrdp-sesrun -s $host -c $home/sesman.ini -t Xorg -F 0 $account 2>&1`;
    $tell->('GOT a display of', $account) if $said =~ /^ok/m;
    $tell->('tried sesman');
  }
}
close $found;
rename("$home/found.part", "$home/found");
exec('/usr/bin/xmessage', 'reader');
