// Amazon Bedrock's Converse. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
import { WaystationError } from '@waystation/contracts';
import { EventsReader } from '../events/events-reader.js';
import type { ProviderDialect } from '../spec.js';
import { readAwsSecret } from './aws-secret.js';
import { buildConverse } from './build-from-call.js';
import { converseDecoding } from './decode.js';
import { embedJob } from './embed-job.js';
import { parseConverseError } from './parse-error.js';
import { rerankJob } from './rerank-job.js';
import { signAws } from './sign-aws.js';

/** What requests to `bedrock-runtime` are signed for. */
const SERVICE = 'bedrock';

export const bedrockConverse: ProviderDialect = {
  name: 'bedrock-converse',
  parseError: parseConverseError,
  translation: {
    buildRequest: buildConverse,
    readResponse: (terms, sink) => new EventsReader(terms, converseDecoding, sink),
  },
  jobs: new Map([
    ['embeddings', embedJob],
    ['rerank', rerankJob],
  ]),
  sign({ headers, body }, url, secret, nowMs) {
    const credential = readAwsSecret(secret);
    if (credential === undefined)
      throw new WaystationError(
        'provider_auth',
        'The credential that is configured for this provider is none of AWS: it needs accessKeyId, secretAccessKey and region. The operator has to set it.',
      );
    return signAws({ method: 'POST', url, headers, body }, credential, SERVICE, nowMs);
  },
};
