// Which models suit a request, and what presets make of it: rules over features, a classifier of tasks, settings by name. Pure.
export { applyPreset, type PresetSaid } from './presets/apply-preset.js';
export { presetInModel, type PresetName } from './presets/preset-name.js';
export { readSettings, type PresetDialect } from './presets/preset-words.js';
export { systemTextOf } from './presets/system-text.js';
export { classify, DIFFICULTIES, TASKS, type Difficulty, type Task } from './classify/classify.js';
export { readLabelledSet, type LabelledPrompt } from './classify/labelled-set.js';
export { languageOf } from './classify/language.js';
export { readText, type RequestText } from './classify/read-text.js';
export { looksSensitive } from './classify/sensitive.js';
export { train } from './classify/train.js';
export { chooseAbove, chooseBest, QUALITY_DEFAULT, type RatedCandidate } from './pareto/choose-by-quality.js';
export { chooseModels, type Candidate } from './rules/choose-models.js';
export { compileRules, faultOfRules, ruleFor, type CompiledRules } from './rules/compile-rules.js';
export { DEFAULT_RULES } from './rules/default-rules.js';
export { TEXT_FEATURES, type TaskFeatures } from './rules/task-features.js';
export { measureOf, routerOf, type RouterKind } from './router-models.js';
