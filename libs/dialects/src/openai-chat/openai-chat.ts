// Chat completions as a dialect of canonical calls and answers. https://platform.openai.com/docs/api-reference/chat
import type { CallDialect } from '../public-dialect.js';
import { readChatCall } from './read-chat-call.js';
import { ChatAnswerBody } from './write-chat-body.js';
import { ChatAnswerStream } from './write-chat-stream.js';

export const openAiChat: CallDialect = {
  name: 'openai-chat',
  readCall: readChatCall,
  writeAnswer: (terms) => (terms.stream ? new ChatAnswerStream(terms) : new ChatAnswerBody(terms)),
};
