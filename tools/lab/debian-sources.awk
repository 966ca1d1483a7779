# Reads apt's source lists of a Debian machine (deb822 and one-line) and writes one deb822 list of the same Debian
# servers and suites with the components main and contrib, binary and source packages.
#
#   awk -v code=bookworm -f debian-sources.awk FILE...

# "mirror+file:/etc/apt/mirrors/debian.list", as Debian's cloud images have it: the servers that the file names.
function servers(all,    word, count, i, line, file, found) {
    count = split(all, word, " ")
    for (i = 1; i <= count; i++) {
        if (word[i] !~ /^mirror\+file:/) {
            found = found " " word[i]
            continue
        }
        file = word[i]
        sub(/^mirror\+file:(\/\/)?/, "", file)
        while ((getline line < file) > 0) {
            sub(/[ \t#].*/, "", line)
            if (line != "")
                found = found " " line
        }
        close(file)
    }
    return found
}

function finish() {
    uris = servers(uris)
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
