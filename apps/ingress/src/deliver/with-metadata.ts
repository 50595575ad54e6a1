// How a generation was routed, put into a body of JSON in whatever dialect: a member beside the others.
import { editMembers, type ChatAnswer, type DialectError } from '@waystation/dialects';

const insert = (body: Buffer, json: string): Buffer =>
  editMembers(body, { insert: [{ key: 'openrouter_metadata', json }] });

/** @param body one JSON object */
export const withMetadata = (body: Buffer, { metadataJson }: ChatAnswer): Buffer =>
  metadataJson === undefined ? body : insert(body, metadataJson);

export const withMetadataInError = (error: DialectError, { metadataJson }: ChatAnswer): DialectError =>
  metadataJson === undefined ? error : { ...error, body: insert(Buffer.from(error.body), metadataJson).toString() };
