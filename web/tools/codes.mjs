// The API's codes with their texts, of the OpenAPI document, for the page that explains them: codes.mjs DOCUMENT OUTPUT
import { readFileSync, writeFileSync } from "node:fs";

const [document, output] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(document, "utf8")).components.schemas.Problem.properties.code["x-texts"];
writeFileSync(output, JSON.stringify(texts, undefined, 2) + "\n");
