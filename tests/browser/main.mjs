// Runs the tests that are named on the command line, in that order; all of them unless told.
import { closeBrowser, check, complaints, counts, openBrowser, same } from "./kit.mjs";

const all = ["log_in", "consoles", "guests", "tasks", "lost_line", "networks", "snapshots", "storage", "looks"];
const chosen = process.argv.slice(2);

await openBrowser();
for (const name of chosen.length ? chosen : all) {
  const began = Date.now();
  try {
    await (await import(`./${name}.mjs`)).default();
  } catch (error) {
    check(`${name} runs to its end`, false, error.stack ?? String(error));
  }
  console.log(`   ${name} took ${Math.round((Date.now() - began) / 1000)} s`);
}
same("no page complains", [...new Set(complaints)], []);
await closeBrowser();
const { passed, failed } = counts();
console.log(`${passed} checks passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
