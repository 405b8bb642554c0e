/** Validates input from outside against its schema. */
import { AppError } from '@preau/contract/errors.ts';
import { faultsOf } from '@preau/contract/schema-faults.ts';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { holdsNul } from './machine-text.ts';

/** Compiled schemas, shared by all callers: compiling one costs as much as a thousand checks. */
const checks = new WeakMap<TSchema, ReturnType<typeof Compile>>();

export function checker(schema: TSchema | undefined, where: string): (value: unknown) => unknown {
  if (schema === undefined) return () => undefined;
  const compiled = checks.get(schema) ?? Compile(schema);
  checks.set(schema, compiled);
  return (value) => {
    if (compiled.Check(value)) {
      if (!holdsNul(value)) return value;
      throw new AppError('VALIDATION_FAILED', {
        issues: [{ field: where, problem: 'must not hold a NUL character' }],
      });
    }
    const issues = faultsOf(compiled, value)
      .slice(0, 5)
      .map((issue) => ({ field: `${where}${issue.instancePath}`, problem: issue.message }));
    throw new AppError('VALIDATION_FAILED', { issues });
  };
}
