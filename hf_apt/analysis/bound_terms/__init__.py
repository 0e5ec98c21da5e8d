"""What a bound on transfer is made of, as far as it can be measured."""
