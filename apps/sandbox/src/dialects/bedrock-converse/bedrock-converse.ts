// Amazon Bedrock's Converse, as its documents say: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
import type { Dialect } from '../dialect.js';
import { exceptionOf } from './exceptions.js';
import { readConverseCall } from './read-converse-call.js';
import { createConverseStreamEncoder, writeConverse } from './write-converse.js';

const PATH = /^\/model\/([^/]+)\/(converse|converse-stream)$/;

export const bedrockConverse: Dialect = {
  name: 'bedrock-converse',
  paths: [],
  readPath(path) {
    const match = PATH.exec(path);
    if (match === null) return undefined;
    return { model: decodeURIComponent(match[1] ?? ''), stream: match[2] === 'converse-stream' };
  },
  idPrefix: 'bedrock',
  generates: true,
  readCall: (received) => ({
    call: readConverseCall(received),
    completion: writeConverse,
    stream: createConverseStreamEncoder,
  }),
  error: (_status, message) => JSON.stringify({ message }),
  binaryStreamType: 'application/vnd.amazon.eventstream',
  headers: (id, status) => ['x-amzn-requestid', id, ...(status < 400 ? [] : ['x-amzn-errortype', exceptionOf(status)])],
};
