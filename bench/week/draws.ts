// Chance that depends on nothing but what it is drawn for: whoever asks the same endpoint with the same request meets the same luck, whatever was asked before.

/** Finaliser of MurmurHash3. */
const mix = (value: number): number => {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
};

/** Uniform in (0, 1), always the same for the same whole numbers. `what` keeps draws about one thing apart. */
export const draw = (seed: number, what: number, first: number, second = 0): number => {
  let hash = mix(seed ^ 0x9e3779b9);
  hash = mix(Math.imul(hash ^ what, 0x01000193));
  hash = mix(Math.imul(hash ^ first, 0x85ebca77));
  hash = mix(Math.imul(hash ^ second, 0xc2b2ae3d));
  return ((hash >>> 0) + 0.5) / 4_294_967_296;
};

/** Around 1, in the median exactly; `spread` is the standard deviation of its logarithm. */
export const drawFactor = (seed: number, what: number, first: number, second: number, spread: number): number => {
  const radius = Math.sqrt(-2 * Math.log(draw(seed, what, first, second)));
  return Math.exp(spread * radius * Math.cos(2 * Math.PI * draw(seed, what + 1, first, second)));
};
