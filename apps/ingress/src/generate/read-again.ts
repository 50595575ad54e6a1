// A request whose body a plugin changed, read as the client's own body was.
import type { ChatRequest } from '@waystation/dialects';
import type { Generation } from './generation.js';

/** What was told by headers, the conversation, and what the client was warned of, are kept. */
export const readAgain = ({ dialect, request }: Generation, bytes: Buffer): ChatRequest => {
  const again = dialect.readRequest(bytes, { hash: () => '' });
  return {
    ...again,
    features: { ...again.features, conversation: request.features.conversation },
    sessionId: request.sessionId,
  };
};
