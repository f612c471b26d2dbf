/**
 * The Jinja engine, with the part of its types that is used here (its own name files without their
 * extension, which Node's resolution does not follow). tools/build.mjs bundles this file in dist, so
 * that pages without a bundler find the engine too.
 */
import * as jinja from '@huggingface/jinja';

export interface Token {
  type: string;
  value: string;
}

/** A node of the syntax tree; the other members are those of the types that are looked at. */
export interface Statement {
  type: string;
  /** Comment, Identifier */
  value?: unknown;
  /** MemberExpression: object.property, or object[property] where computed */
  object?: Statement;
  property?: Statement;
  computed?: boolean;
}

/** A runtime value; `value` is the JavaScript one. */
export interface Value {
  value: unknown;
}

export interface Environment {
  /** Declares a variable; functions get and give JavaScript values. */
  set(name: string, value: unknown): Value;
}

export interface Interpreter {
  run(program: Statement): Value;
  /** Every statement and expression is evaluated by this. */
  evaluate(statement: Statement | undefined, environment: Environment): Value;
}

interface Jinja {
  Environment: new () => Environment;
  Interpreter: new (environment: Environment) => Interpreter;
  parse(tokens: Token[]): Statement;
  tokenize(source: string, options?: { lstrip_blocks?: boolean; trim_blocks?: boolean }): Token[];
}

export const { Environment, Interpreter, parse, tokenize } = jinja as unknown as Jinja;
