// The one place where a management call's principal is checked against what its contract demands. It runs before any handler of `@Handles`.
import { principal as principalSchema, WaystationError, type Principal, type RpcContract } from '@waystation/contracts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any management contract
type AnyRpc = RpcContract<any, any>;

const principalOf = (request: unknown): Principal | undefined => {
  if (typeof request !== 'object' || request === null || !('principal' in request)) return undefined;
  const parsed = principalSchema.safeParse(request.principal);
  return parsed.success ? parsed.data : undefined;
};

/** `service` contracts are for our own processes; the operator may do anything; everybody else needs the very permission. */
const isAllowed = (contract: AnyRpc, who: Principal): boolean => {
  if (contract.permission === 'service') return who.kind === 'service';
  if (who.permissions.includes(contract.permission)) return true;
  return who.kind === 'service' && who.permissions.includes('operator');
};

/** Throws `permission_denied`. Contracts without a principal (route.plan, leases) are protected by the bus's own permissions per service. */
export const checkPermission = (contract: AnyRpc, request: unknown): void => {
  const who = principalOf(request);
  if (who === undefined) {
    if (contract.permission === 'service') return;
    throw new WaystationError(
      'permission_denied',
      `${contract.name} needs permission ${contract.permission}, and the call names no principal.`,
    );
  }
  if (isAllowed(contract, who)) return;
  throw new WaystationError(
    'permission_denied',
    `${contract.name} needs permission ${contract.permission}, which this ${who.kind} does not have.`,
    {
      details: { permission: contract.permission },
    },
  );
};
