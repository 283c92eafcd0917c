prove_tests =
