// How long a sound is, from its bytes: exact for plain WAV, whose header tells its rate; a bound and a guess for everything that is compressed. Nothing is decoded.

/** The lowest rate that Opus is made for, 6 kbit/s (RFC 6716, section 2.1.1); MP3's lowest is 8. Silence may be smaller in some containers: what is above a hold is never the customer's. */
const BYTES_PER_SECOND_MIN = 750;
/** Speech as it is usually compressed, 64 kbit/s. */
const BYTES_PER_SECOND_USUAL = 8_000;
/** The header of a WAV file stands at its beginning; the chunk that tells the rate is nearly always the first. */
const HEAD_CHARACTERS = 4_096;
const RIFF_HEAD_BYTES = 12;
const CHUNK_HEAD_BYTES = 8;
const FORMAT_BYTES = 16;
/** `WAVE_FORMAT_PCM` and `WAVE_FORMAT_IEEE_FLOAT`. https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html */
const UNCOMPRESSED: readonly number[] = [1, 3];

export interface SoundLength {
  readonly secondsMax: number;
  readonly secondsEstimate: number;
}

/** Of a WAV file of plain samples; undefined for everything else. */
const wavBytesPerSecond = (head: Buffer): number | undefined => {
  if (head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, RIFF_HEAD_BYTES) !== 'WAVE')
    return undefined;
  let at = RIFF_HEAD_BYTES;
  while (at + CHUNK_HEAD_BYTES + FORMAT_BYTES <= head.length) {
    const body = at + CHUNK_HEAD_BYTES;
    if (head.toString('latin1', at, at + 4) === 'fmt ') {
      if (!UNCOMPRESSED.includes(head.readUInt16LE(body))) return undefined;
      const [channels, rate, bits] = [
        head.readUInt16LE(body + 2),
        head.readUInt32LE(body + 4),
        head.readUInt16LE(body + 14),
      ];
      return (rate * channels * bits) / 8 || undefined;
    }
    const size = head.readUInt32LE(at + 4);
    // Chunks begin at even places.
    at = body + size + (size % 2);
  }
  return undefined;
};

/** Of a file in base64. */
export const soundLength = (base64: string): SoundLength => {
  const bytes = Buffer.byteLength(base64, 'base64');
  const exact = wavBytesPerSecond(Buffer.from(base64.slice(0, HEAD_CHARACTERS), 'base64'));
  const secondsAt = (bytesPerSecond: number): number => Math.max(1, Math.ceil(bytes / bytesPerSecond));
  return {
    secondsMax: secondsAt(exact ?? BYTES_PER_SECOND_MIN),
    secondsEstimate: secondsAt(exact ?? BYTES_PER_SECOND_USUAL),
  };
};
