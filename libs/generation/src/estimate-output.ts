// Output tokens from what was delivered, for where nobody told or can tell them.

/** A token of most tokenizers has about four bytes of text. */
const BYTES_PER_TOKEN = 4;
/** Up to this many bytes per chunk, a chunk is one token: providers that stream token by token are then counted exactly. */
const BYTES_PER_TOKEN_CHUNK_MAX = 8;

/** Content that reached us: bytes of text, and chunks that carried any (0 for a body that is no stream). */
export interface DeliveredContent {
  bytes: number;
  chunks: number;
}

export const estimateOutputTokens = ({ bytes, chunks }: DeliveredContent): number =>
  bytes <= chunks * BYTES_PER_TOKEN_CHUNK_MAX ? chunks : Math.ceil(bytes / BYTES_PER_TOKEN);
