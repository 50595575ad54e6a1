// `node tools/import-catalog/main.ts <models-dev.json> <litellm.json>`: turns what the two sources know into the catalog's own files. The same sources give
// the same files, byte by byte, so that a refresh shows in a diff what changed in the market and nothing else.
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { importCatalog } from './import-catalog.ts';
import { readListing, readPriceMap } from './read-sources.ts';
import { writeTexts } from './write-texts.ts';

const [listingFile, priceMapFile] = process.argv.slice(2);
if (listingFile === undefined || priceMapFile === undefined) {
  console.error('usage: node tools/import-catalog/main.ts <models-dev.json> <litellm.json>');
  process.exit(1);
}
const folder = path.resolve(import.meta.dirname, '../../libs/catalog/data');
const { catalog, report } = importCatalog(
  readListing(await readFile(listingFile, 'utf8')),
  readPriceMap(await readFile(priceMapFile, 'utf8')),
);
const texts = writeTexts(catalog);
const providers = path.join(folder, 'providers');
await mkdir(providers, { recursive: true });
for (const file of await readdir(providers)) if (!texts.has(`providers/${file}`)) await rm(path.join(providers, file));
for (const [file, text] of texts) await writeFile(path.join(folder, file), text);
await writeFile(path.join(folder, 'EXCEPTIONS.md'), report.text());

const offers = new Map<string, number>();
for (const { endpoints } of catalog.providers)
  for (const model of new Set(endpoints.map((each) => each.model))) offers.set(model, (offers.get(model) ?? 0) + 1);
const several = [...offers.values()].filter((count) => count > 1).length;
const endpoints = catalog.providers.reduce((sum, each) => sum + each.endpoints.length, 0);
console.log(
  `${catalog.providers.length} providers, ${catalog.models.length} models, ${several} of them at two providers or more, ${endpoints} endpoints`,
);
