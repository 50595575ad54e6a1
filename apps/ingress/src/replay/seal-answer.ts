// An answer as it lies in the bucket: AES-256-GCM under the key of its place, which is bound to it together with its expiry.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import {
  decodeHotMessage,
  encodeHotMessage,
  keptAnswer,
  type AnswerEntry,
  type KeptAnswer,
} from '@waystation/contracts';
import type { AnswerPlace } from './answer-place.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface FoundAnswer {
  readonly kept: KeptAnswer;
  readonly expiresAt: number;
  /** As deliveries are given it. */
  readonly data: Buffer;
  /** Its end, which waits for the bill. */
  readonly tail: Buffer | undefined;
}

const boundTo = ({ key }: AnswerPlace, expiresAt: number): Buffer => Buffer.from(`${key}\n${expiresAt}`);

/** @param bytes the answer, its tail behind it */
export const sealAnswer = (place: AnswerPlace, kept: KeptAnswer, bytes: Buffer, expiresAt: number): AnswerEntry => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, place.sealKey, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(place, expiresAt));
  const sealed = Buffer.concat([cipher.update(encodeHotMessage(kept, bytes)), cipher.final(), cipher.getAuthTag()]);
  return { v: 1, expiresAt, nonce: nonce.toString('base64'), sealed: sealed.toString('base64') };
};

/** @throws where it was sealed for another place, or is not what was sealed */
export const openAnswer = (place: AnswerPlace, { expiresAt, nonce, sealed }: AnswerEntry): FoundAnswer => {
  const bytes = Buffer.from(sealed, 'base64');
  const textBytes = Math.max(0, bytes.length - TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, place.sealKey, Buffer.from(nonce, 'base64'), { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(place, expiresAt));
  decipher.setAuthTag(bytes.subarray(textBytes));
  const plain = Buffer.concat([decipher.update(bytes.subarray(0, textBytes)), decipher.final()]);
  const { metadata, body } = decodeHotMessage(plain);
  const kept = keptAnswer.parse(metadata);
  const dataBytes = body.length - (kept.tailBytes ?? 0);
  return {
    kept,
    expiresAt,
    data: body.subarray(0, dataBytes),
    tail: kept.tailBytes === undefined ? undefined : body.subarray(dataBytes),
  };
};
