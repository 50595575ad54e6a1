// `node tools/start/build.main.ts`: the build as a command of its own, with the same short cut that `npm start` takes.
import { build } from './build.ts';

try {
  await build();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
