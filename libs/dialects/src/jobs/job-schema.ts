// What the requests and answers of all jobs have in common, for the reference document.
import { ROUTING_FIELDS } from '../openai-chat/chat-schema.js';
import type { SchemaData } from '../schema/schema-data.js';

export const JOB_FIELDS: Readonly<Record<string, SchemaData>> = {
  ...Object.fromEntries(Object.entries(ROUTING_FIELDS).filter(([name]) => name !== 'stop_server_tools_when')),
  usage: {},
};
/** Of jobs that answer in one body. */
export const NO_STREAM: SchemaData = { type: ['boolean', 'null'], enum: [false, null] };
export const COUNT: SchemaData = { type: 'integer', minimum: 0 };
export const USD: SchemaData = { type: 'number', description: 'USD, exact to twelve decimals' };
export const TOLERANT = 'Further members go to providers that know them. Null means that a member is not set.';
