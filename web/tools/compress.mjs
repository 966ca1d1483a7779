// Writes a .gz beside every file that compresses well, for nginx's gzip_static.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const worthwhile = /\.(js|css|html|svg|json|txt)$/;

function walk(directory) {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) {
      walk(path);
    } else if (worthwhile.test(name)) {
      const plain = readFileSync(path);
      const packed = gzipSync(plain, { level: 9 });
      if (packed.length < plain.length * 0.95) writeFileSync(`${path}.gz`, packed);
    }
  }
}

walk(process.argv[2] ?? "dist");
