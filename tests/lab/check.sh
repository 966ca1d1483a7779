# For the lab's tests: counts what passes and fails. Source it with $base set to a folder of the test's own.
failures=0 passed=0

# check NAME EXPECTED-STATUS EXPECTED-STDOUT EXPECTED-STDERR COMMAND...: "*" accepts any text
check() {
    name=$1 status=$2 out=$3 err=$4
    shift 4
    "$@" >"$base/out" 2>"$base/err"
    got=$?
    bad=
    [ "$got" = "$status" ] || bad="status $got, not $status"
    [ "$out" = '*' ] || [ "$(cat "$base/out")" = "$out" ] || bad="$bad
  stdout: $(cat "$base/out")
  wanted: $out"
    [ "$err" = '*' ] || [ "$(cat "$base/err")" = "$err" ] || bad="$bad
  stderr: $(cat "$base/err")
  wanted: $err"
    if [ -n "$bad" ]; then
        failures=$((failures + 1))
        echo "FAILED $name: $bad"
    else
        passed=$((passed + 1))
    fi
}
