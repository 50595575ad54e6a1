// `node --import` this to run TypeScript sources as they are, decorators included: the tests of the bootstrap need processes, and must not depend on a build.
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

const root = new URL('../../../../', import.meta.url);
const options = {
  ...JSON.parse(readFileSync(new URL('.swcrc', root), 'utf8')),
  swcrc: false,
  configFile: false,
  exclude: [],
  sourceMaps: 'inline',
};

registerHooks({
  resolve(specifier, context, nextResolve) {
    const lib = /^@waystation\/([a-z]+)$/.exec(specifier)?.[1];
    if (lib !== undefined)
      return { url: new URL(`libs/${lib}/src/index.ts`, root).href, format: 'module', shortCircuit: true };
    if (/^\.{1,2}\/.*\.js$/.test(specifier) && context.parentURL?.endsWith('.ts')) {
      const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
      if (existsSync(url)) return { url: url.href, format: 'module', shortCircuit: true };
    }
    return nextResolve(specifier, context);
  },
  load(url, context, nextLoad) {
    if (
      !url.startsWith(pathToFileURL(fileURLToPath(root)).href) ||
      !url.endsWith('.ts') ||
      url.includes('/node_modules/')
    )
      return nextLoad(url, context);
    const filename = fileURLToPath(url);
    return {
      format: 'module',
      source: transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code,
      shortCircuit: true,
    };
  },
});
