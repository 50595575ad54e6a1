// `@Handles(contract)` marks a method as the handler of an rpc or stream contract. The subject is Nest's pattern, the contract rides in the extras
// (a contract object as the pattern would be stringified whole).
import { MessagePattern } from '@nestjs/microservices';
import type { RpcContract, StreamContract } from '@waystation/contracts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- contracts of any request and reply; the method's own types are checked where it is written
type AnyContract = RpcContract<any, any> | StreamContract<any, any>;

export const Handles = (contract: AnyContract): MethodDecorator =>
  MessagePattern(contract.kind === 'rpc' ? contract.subject : contract.subjectAny, { contract });
