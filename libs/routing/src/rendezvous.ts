// Weighted rendezvous hashing: every (conversation, endpoint) pair has a fixed uniform number, and the endpoint with the smallest −ln(u)/weight comes first.
// So all replicas send one conversation to one endpoint, the split over conversations follows the weights, and an endpoint that goes away moves only its own conversations.

/** Two independent 32-bit hashes of a text, as one pair. Not cryptographic: whoever chooses a conversation id may choose its endpoint. */
export interface TextHash {
  readonly high: number;
  readonly low: number;
}

/** Finaliser of MurmurHash3: every input bit changes every output bit with probability one half. */
const mix = (value: number): number => {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
};

export const hashText = (text: string): TextHash => {
  // FNV-1a over UTF-16 units, twice with different offsets and primes, then mixed.
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x85ebca77);
  }
  return { high: mix(high), low: mix(low) };
};

/** Uniform in (0, 1), 53 bits, never 0 or 1. */
export const uniformOf = (one: TextHash, other: TextHash): number => {
  const high = mix(one.high ^ Math.imul(other.low, 0x9e3779b1)) >>> 5;
  const low = mix(one.low + Math.imul(other.high, 0xc2b2ae3d)) >>> 6;
  return (high * 67_108_864 + low + 0.5) / 9_007_199_254_740_992;
};

/** Smaller comes first. */
export const rendezvousScore = (uniform: number, weight: number): number => -Math.log(uniform) / weight;

/** −ln(u) is at least 1 − u, which spares nearly all of many their logarithm. The margin is far above what rounding does to either, so that whoever it passes over had no lower score. */
export const cannotScoreBelow = (best: number, uniform: number, weight: number): boolean =>
  1 - uniform > best * weight * 1.000_001;
