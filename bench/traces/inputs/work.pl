# Word counts, nested structures, strings that are cut and joined, sorted.
use strict;
use warnings;

srand 1;
my (%count, %pairs, @records);
for my $i (1 .. 60000) {
    my @words = map { "w" . int(rand(rand(20000))) } 1 .. 1 + int(rand(12));
    $count{$_}++ for @words;
    $pairs{$words[$_ - 1]}{$words[$_]}++ for 1 .. $#words;
    push @records, { id => $i, text => join(" ", @words), parts => [map { length } @words] };
}
for my $record (@records) {
    (my $text = $record->{text}) =~ s/w(\d)(\d*)/$2-$1/g;
    $record->{copy} = $text x (1 + $record->{id} % 3);
}
delete $pairs{$_} for grep { $count{$_} < 3 } keys %count;
my @order = sort { length($a->{copy}) <=> length($b->{copy}) || $a->{copy} cmp $b->{copy} } @records;
splice @order, 0, 20000;
@records = ();
my $all = join ",", map { $_->{copy} } @order;
print length($all), " ", scalar(keys %pairs), "\n";
