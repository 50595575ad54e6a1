// `node --import` this to have timeouts of half a minute and more wait until the process is told (SIGUSR2) that the next of them is over: for tests of what
// comes when a long time is over, which neither wait for it nor are late with it.
const FROM_MS = 30_000;
const { setTimeout: set, clearTimeout: clear } = globalThis;
const held = new Map();

globalThis.setTimeout = (callback, ms, ...rest) => {
  const timer = set(callback, ms, ...rest);
  if (ms >= FROM_MS) held.set(timer, { callback, dueAt: Date.now() + ms });
  return timer;
};
globalThis.clearTimeout = (timer) => {
  held.delete(timer);
  clear(timer);
};
process.on('SIGUSR2', () => {
  const [next] = [...held].sort(([, one], [, other]) => one.dueAt - other.dueAt);
  if (next === undefined) return;
  globalThis.clearTimeout(next[0]);
  next[1].callback();
});
