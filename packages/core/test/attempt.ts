import { DomainError } from '../src/index.ts';

/** What an action gives, or how it is refused; any other error fails the test. */
export const attempt = <T>(action: () => T): { ok: T } | { refused: string } => {
  try {
    return { ok: action() };
  } catch (error) {
    if (error instanceof DomainError && error.code === 'INVALID_PARAMETER_VALUE') return { refused: error.message };
    throw error;
  }
};
