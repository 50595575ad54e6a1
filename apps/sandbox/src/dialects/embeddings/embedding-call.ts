// A job over texts as a call that generates nothing: each text counts like a message of a prompt.
import type { SandboxCall, SandboxMessage } from '../../reply/call.js';
import type { ScriptOverrides } from '../../script/script.js';

export const embeddingCall = (
  model: string,
  messages: readonly SandboxMessage[],
  overrides: ScriptOverrides,
): SandboxCall => ({
  model,
  stream: false,
  streamUsage: false,
  messages,
  tools: [],
  toolChoice: { kind: 'none' },
  toolTokens: 0,
  overrides,
});
