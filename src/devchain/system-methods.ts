import { z } from 'zod';
import { SS58_PREFIX } from '../chain/hotkey.ts';
import { type Method, method } from './rpc-method.ts';

/** `system_*`: what the node says about itself, and nothing of it ever changes. */
export const systemMethods: Readonly<Record<string, Method>> = {
  system_chain: fixed('eirel development chain'),
  system_chainType: fixed('Development'),
  system_name: fixed('eirel devchain'),
  system_version: fixed('1.0.0'),
  system_properties: fixed({ ss58Format: SS58_PREFIX, tokenDecimals: 9, tokenSymbol: 'TAO' }),
  system_health: fixed({ peers: 0, isSyncing: false, shouldHavePeers: false }),
};

function fixed(result: unknown): Method {
  return method(z.tuple([]), () => ({ result }));
}
