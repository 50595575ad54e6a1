// A contract is one value: subject, version, schemas, permission, idempotence. Messages are validated against it where they
// enter a process. Adding an optional field is compatible; everything else is a new version.
import type { z } from 'zod';

/** What a principal must be allowed to do. `service` calls come from our own processes and carry no user. */
export type Permission =
  | 'service'
  | 'inference'
  | 'keys:read'
  | 'keys:write'
  | 'workspaces:read'
  | 'workspaces:write'
  | 'members:read'
  | 'members:write'
  | 'credits:read'
  | 'credits:write'
  | 'payments:write'
  | 'generations:read'
  | 'catalog:read'
  | 'catalog:write'
  | 'operator';

export interface RpcContract<Request, Reply> {
  readonly kind: 'rpc';
  readonly name: string;
  readonly subject: string;
  readonly version: number;
  readonly queue: string;
  readonly permission: Permission;
  /** Whether the same request may be sent twice without a second effect. */
  readonly idempotent: boolean;
  readonly request: z.ZodType<Request>;
  readonly reply: z.ZodType<Reply>;
}

/** An rpc answered by a stream of frames; the reply schema describes the end frame. Subject by provider. */
export interface StreamContract<Request, End> {
  readonly kind: 'stream';
  readonly name: string;
  readonly subjectOf: (key: string) => string;
  readonly subjectAny: string;
  readonly version: number;
  readonly queue: string;
  readonly permission: Permission;
  readonly idempotent: false;
  readonly request: z.ZodType<Request>;
  readonly end: z.ZodType<End>;
}

/** A message without an answer, to one instance or to all. */
export interface SignalContract<Message> {
  readonly kind: 'signal';
  readonly name: string;
  readonly subjectOf: (instance: string) => string;
  readonly subjectAny: string;
  readonly version: number;
  readonly message: z.ZodType<Message>;
}

export const defineRpc = <Request, Reply>(
  contract: Omit<RpcContract<Request, Reply>, 'kind'>,
): RpcContract<Request, Reply> => Object.freeze({ kind: 'rpc' as const, ...contract });

export const defineStream = <Request, End>(
  contract: Omit<StreamContract<Request, End>, 'kind' | 'idempotent'>,
): StreamContract<Request, End> => Object.freeze({ kind: 'stream' as const, idempotent: false as const, ...contract });

export const defineSignal = <Message>(contract: Omit<SignalContract<Message>, 'kind'>): SignalContract<Message> =>
  Object.freeze({ kind: 'signal' as const, ...contract });
