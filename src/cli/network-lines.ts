import type { DataDescription, Model } from "../models/model.ts";

export function networkLines(_model: Model, _description: DataDescription): readonly string[] {
  return [];
}
