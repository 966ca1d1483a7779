#include "cli/app.h"

int main(int argc, char** argv) {
    return bhype::cli::run(argc, argv);
}
