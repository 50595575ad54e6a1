// A line per step with its time, on the terminal or, for a detached start, sent to the process that waits for it.

export type Say = (line: string) => void;

export const say: Say = (line) => {
  console.log(line);
  if (process.connected) process.send?.({ line });
};

export async function step<Result>(name: string, work: (note: Say) => Promise<Result>): Promise<Result> {
  const began = performance.now();
  const result = await work((line) => say(`  ${line}`));
  say(`✓ ${name.padEnd(44)} ${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s`);
  return result;
}
