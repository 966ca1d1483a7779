# Reads apt's source lists of a Debian machine (deb822 and one-line) and writes one deb822 list of the same Debian
# servers and suites with the components main and contrib, binary and source packages.
#
#   awk -v code=bookworm -f debian-sources.awk FILE...

function finish() {
    if (types ~ /deb/ && uris ~ /\/debian(-security)?\/?( |$)/ && suites ~ code) {
        print "Types: deb deb-src\nURIs:" uris "\nSuites:" suites "\nComponents: main contrib"
        if (signed != "")
            print "Signed-By:" signed
        print ""
    }
    types = uris = suites = signed = ""
}

FNR == 1 { finish() }

FILENAME !~ /\.sources$/ {
    if ($1 != "deb")
        next
    line = $0
    if (match(line, /\[[^]]*\]/)) {
        options = substr(line, RSTART, RLENGTH)
        sub(/\[[^]]*\]/, "", line)
        if (match(options, /signed-by=[^] ]+/))
            signed = " " substr(options, RSTART + 10, RLENGTH - 10)
    }
    split(line, field, " ")
    types = "deb"
    uris = " " field[2]
    suites = " " field[3]
    finish()
    next
}

/^#/ { next }
/^[ \t]*$/ { finish(); next }
{
    key = tolower($1)
    value = $0
    sub(/^[^:]*:/, "", value)
}
key == "types:" { types = value }
key == "uris:" { uris = value }
key == "suites:" { suites = value }
key == "signed-by:" { signed = value }
END { finish() }
