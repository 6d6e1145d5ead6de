import type { Request } from 'express';
import type { HttpRequest } from '../../consensus/signed-request.ts';
import { AppError } from '../../errors.ts';
import { NO_BODY, type SignedCallers } from '../signed-caller.ts';

/** Who may ask the owner for what is not everybody's. Both give the hotkey that signed the request. */
export type OwnerCallers = Readonly<{
  /** A validator with a permit on the chain. Throws `request.forbidden` for anybody else. */
  validator: (req: Request, body?: HttpRequest['body']) => Promise<string>;
  /** Any neuron of the subnet. */
  miner: (req: Request, body: HttpRequest['body']) => Promise<string>;
  /**
   * Throws for a request that names no hotkey of the subnet, whoever signed it: who is a stranger by his own word is told
   * so before his body is read.
   */
  announced: (req: Request) => Promise<void>;
}>;

type OwnerCallersDeps = Readonly<{
  signed: SignedCallers;
  /** Who is on the subnet. Throws `chain.unavailable` where nobody can say. */
  neurons: () => Promise<
    Readonly<{ registered: ReadonlySet<string>; permitted: ReadonlySet<string> }>
  >;
}>;

/** The callers of the owner's routes: the chain says who they are, no list that an operator keeps. */
export function createOwnerCallers({ signed, neurons }: OwnerCallersDeps): OwnerCallers {
  return {
    validator: (req, body = NO_BODY) =>
      signed.admit(req, body, async (hotkey) => {
        if (!(await neurons()).permitted.has(hotkey)) throw forbidden('validator access denied');
      }),
    miner: (req, body) =>
      signed.admit(req, body, async (hotkey) => {
        if (!(await neurons()).registered.has(hotkey)) throw forbidden(UNREGISTERED);
      }),
    announced: async (req) => {
      const hotkey = req.headers['x-hotkey'];
      if (typeof hotkey !== 'string')
        throw new AppError('request.unauthorized', { detail: 'missing signature headers' });
      if (!(await neurons()).registered.has(hotkey)) throw forbidden(UNREGISTERED);
    },
  };
}

const UNREGISTERED = 'hotkey is not registered on the subnet';

function forbidden(detail: string): AppError {
  return new AppError('request.forbidden', { detail });
}
