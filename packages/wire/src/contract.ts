import data from '../contract/mlflow.json' with { type: 'json' };

/** The shape of `contract/mlflow.json`, as tools/contract/extract.py prints it. */
export interface Contract {
  readonly mlflow: string;
  readonly operations: Readonly<Record<string, ContractOperation>>;
  /** `null` stands for a well-known type (google.protobuf.*), which has a JSON form of its own. */
  readonly messages: Readonly<Record<string, readonly ContractField[] | null>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface ContractOperation {
  readonly endpoints: readonly (readonly [method: string, path: string, since: string])[];
  readonly request: string;
  readonly response: string;
  readonly oss?: false;
  readonly unserved?: true;
  readonly checks?: Readonly<Record<string, readonly Check[]>>;
  readonly visibility?: string;
  readonly title?: string;
}

export interface ContractField {
  readonly name: string;
  readonly number: number;
  readonly kind: Kind;
  readonly json?: string;
  readonly message?: string;
  readonly enum?: string;
  readonly map?: Kind;
  readonly repeated?: true;
  readonly implicit?: true;
  readonly required?: true;
  readonly default?: string | number | boolean;
  readonly oneof?: string;
  readonly deprecated?: true;
  readonly visibility?: string;
}

export type Kind =
  | 'string'
  | 'bytes'
  | 'bool'
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'fixed32'
  | 'fixed64'
  | 'enum'
  | 'message';

/** What the server demands of one request field, applied in order. Type checks count only after a value failed to decode. */
export type Check = 'required' | 'secret' | 'items:key' | TypeCheck | LimitCheck | EachCheck;
export type TypeCheck = 'string' | 'int' | 'float' | 'bool' | 'array' | 'items:string';

export interface LimitCheck {
  readonly min?: number;
  readonly max?: number;
  readonly maxItems?: number;
  /** `{length}` stands for the size of the refused value. */
  readonly message?: string;
}

/** Every item of the array must carry these keys. */
export interface EachCheck {
  readonly each: readonly string[];
}

export const contract: Contract = data as unknown as Contract;
