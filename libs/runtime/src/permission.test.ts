import {
  BillingCreditsGet,
  BillingCreditsGrant,
  BillingPricesPut,
  ControlKeyCreate,
  LeaseGrant,
  RoutePlan,
  type Principal,
} from '@waystation/contracts';
import { checkPermission } from './permission.js';

const key = (...permissions: string[]): { principal: Principal } => ({
  principal: { kind: 'key', workspaceId: 'ws', permissions },
});
const service = (...permissions: string[]): { principal: Principal } => ({
  principal: { kind: 'service', permissions },
});

describe('checkPermission', () => {
  test.each([
    ['a key with the very permission', BillingCreditsGet, key('credits:read'), true],
    ['a key with other permissions', BillingCreditsGet, key('credits:write', 'keys:read'), false],
    ['a key without any', ControlKeyCreate, key(), false],
    ['a key that claims to be an operator', BillingCreditsGrant, key('operator'), false],
    ['a key that names the permission in another case', BillingCreditsGet, key('CREDITS:READ'), false],
    ['a service with the permission', BillingCreditsGrant, service('credits:write'), true],
    ['the operator', BillingCreditsGrant, service('operator'), true],
    ['a service without the permission', BillingCreditsGrant, service('credits:read'), false],
    ['a call between services', BillingPricesPut, service(), true],
    ['a key on a call between services', BillingPricesPut, key('service', 'operator'), false],
    ['a management call without principal', BillingCreditsGet, {}, false],
    [
      'a management call whose principal is not one',
      BillingCreditsGet,
      { principal: { kind: 'root', permissions: ['credits:read'] } },
      false,
    ],
    [
      'a management call whose permissions are text',
      BillingCreditsGet,
      { principal: { kind: 'key', permissions: 'credits:read' } },
      false,
    ],
    ['nothing at all', BillingCreditsGet, undefined, false],
    ['a plan, which has no principal', RoutePlan, { v: 1 }, true],
    ['a lease, which has no principal', LeaseGrant, { v: 1 }, true],
  ])('%s', (_name, contract, request, allowed) => {
    const check = (): void => checkPermission(contract, request);
    if (allowed) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: 'permission_denied' }));
  });
});
