export type Securable =
  | 'server'
  | 'workspace'
  | 'user'
  | 'role'
  | 'experiment'
  | 'run'
  | 'artifact'
  | 'dataset'
  | 'logged_model'
  | 'registered_model'
  | 'model_version'
  | 'trace'
  | 'assessment'
  | 'issue'
  | 'label_schema'
  | 'review_queue'
  | 'scorer'
  | 'prompt_optimization'
  | 'webhook'
  | 'gateway'
  | 'job'
  | 'assistant'
  | 'mcp_server';

export type Privilege = 'read' | 'use' | 'edit' | 'manage' | 'create';

/** `open` asks for nobody: health checks and the sign-up form. */
export type Permission = `${Securable}:${Privilege}` | 'open';

export type Policy = readonly [permission: Permission, audit: string];

/** What each open-source operation demands, and the name under which it is audited. */
export const policies: Readonly<Record<string, Policy>> = {
  ...within('MlflowArtifactsService', {
    downloadArtifact: ['artifact:read', 'artifacts.download'],
    uploadArtifact: ['artifact:edit', 'artifacts.upload'],
    listArtifacts: ['artifact:read', 'artifacts.list'],
    deleteArtifact: ['artifact:manage', 'artifacts.delete'],
    createMultipartUpload: ['artifact:edit', 'artifacts.create_multipart_upload'],
    completeMultipartUpload: ['artifact:edit', 'artifacts.complete_multipart_upload'],
    abortMultipartUpload: ['artifact:edit', 'artifacts.abort_multipart_upload'],
    getPresignedDownloadUrl: ['artifact:read', 'artifacts.presign_download'],
  }),
  ...within('ModelRegistryService', {
    createRegisteredModel: ['registered_model:create', 'registered_models.create'],
    renameRegisteredModel: ['registered_model:edit', 'registered_models.rename'],
    updateRegisteredModel: ['registered_model:edit', 'registered_models.update'],
    deleteRegisteredModel: ['registered_model:manage', 'registered_models.delete'],
    getRegisteredModel: ['registered_model:read', 'registered_models.get'],
    searchRegisteredModels: ['registered_model:read', 'registered_models.search'],
    getLatestVersions: ['model_version:read', 'model_versions.get_latest'],
    createModelVersion: ['model_version:create', 'model_versions.create'],
    updateModelVersion: ['model_version:edit', 'model_versions.update'],
    transitionModelVersionStage: ['model_version:edit', 'model_versions.transition_stage'],
    deleteModelVersion: ['model_version:manage', 'model_versions.delete'],
    getModelVersion: ['model_version:read', 'model_versions.get'],
    searchModelVersions: ['model_version:read', 'model_versions.search'],
    getModelVersionDownloadUri: ['model_version:read', 'model_versions.get_download_uri'],
    setRegisteredModelTag: ['registered_model:edit', 'registered_models.set_tag'],
    setModelVersionTag: ['model_version:edit', 'model_versions.set_tag'],
    deleteRegisteredModelTag: ['registered_model:edit', 'registered_models.delete_tag'],
    deleteModelVersionTag: ['model_version:edit', 'model_versions.delete_tag'],
    setRegisteredModelAlias: ['registered_model:edit', 'registered_models.set_alias'],
    deleteRegisteredModelAlias: ['registered_model:edit', 'registered_models.delete_alias'],
    getModelVersionByAlias: ['model_version:read', 'model_versions.get_by_alias'],
  }),
  ...within('WebhookService', {
    createWebhook: ['webhook:manage', 'webhooks.create'],
    listWebhooks: ['webhook:manage', 'webhooks.list'],
    getWebhook: ['webhook:manage', 'webhooks.get'],
    updateWebhook: ['webhook:manage', 'webhooks.update'],
    deleteWebhook: ['webhook:manage', 'webhooks.delete'],
    testWebhook: ['webhook:manage', 'webhooks.test'],
  }),
  ...within('MlflowService', {
    getExperimentByName: ['experiment:read', 'experiments.get_by_name'],
    createExperiment: ['experiment:create', 'experiments.create'],
    searchExperiments: ['experiment:read', 'experiments.search'],
    getExperiment: ['experiment:read', 'experiments.get'],
    deleteExperiment: ['experiment:manage', 'experiments.delete'],
    restoreExperiment: ['experiment:manage', 'experiments.restore'],
    updateExperiment: ['experiment:edit', 'experiments.update'],
    setExperimentTag: ['experiment:edit', 'experiments.set_tag'],
    deleteExperimentTag: ['experiment:edit', 'experiments.delete_tag'],
    searchDatasets: ['experiment:read', 'experiments.search_datasets'],

    createRun: ['run:create', 'runs.create'],
    updateRun: ['run:edit', 'runs.update'],
    deleteRun: ['run:manage', 'runs.delete'],
    restoreRun: ['run:manage', 'runs.restore'],
    logMetric: ['run:edit', 'runs.log_metric'],
    logParam: ['run:edit', 'runs.log_param'],
    logBatch: ['run:edit', 'runs.log_batch'],
    logModel: ['run:edit', 'runs.log_model'],
    logInputs: ['run:edit', 'runs.log_inputs'],
    logOutputs: ['run:edit', 'runs.log_outputs'],
    setTag: ['run:edit', 'runs.set_tag'],
    deleteTag: ['run:edit', 'runs.delete_tag'],
    getRun: ['run:read', 'runs.get'],
    searchRuns: ['run:read', 'runs.search'],
    listArtifacts: ['run:read', 'runs.list_artifacts'],
    createPresignedUploadUrl: ['artifact:edit', 'artifacts.presign_upload'],
    createPresignedDownloadUrl: ['artifact:read', 'artifacts.presign_download'],
    getMetricHistory: ['run:read', 'runs.get_metric_history'],
    getMetricHistoryBulkInterval: ['run:read', 'runs.get_metric_history_bulk_interval'],

    startTrace: ['trace:create', 'traces.start'],
    startTraceV3: ['trace:create', 'traces.start'],
    endTrace: ['trace:edit', 'traces.end'],
    getTraceInfo: ['trace:read', 'traces.get_info'],
    getTraceInfoV3: ['trace:read', 'traces.get_info'],
    getTrace: ['trace:read', 'traces.get'],
    batchGetTraces: ['trace:read', 'traces.batch_get'],
    batchGetTraceInfos: ['trace:read', 'traces.batch_get_infos'],
    searchTraces: ['trace:read', 'traces.search'],
    searchTracesV3: ['trace:read', 'traces.search'],
    setTraceTag: ['trace:edit', 'traces.set_tag'],
    setTraceTagV3: ['trace:edit', 'traces.set_tag'],
    deleteTraceTag: ['trace:edit', 'traces.delete_tag'],
    deleteTraceTagV3: ['trace:edit', 'traces.delete_tag'],
    linkTracesToRun: ['run:edit', 'traces.link_to_run'],
    linkPromptsToTrace: ['trace:edit', 'traces.link_prompts'],
    searchUnifiedTraceHandler: ['trace:read', 'traces.search_unified'],
    getOnlineTraceDetails: ['trace:read', 'traces.get_online_details'],
    deleteTraces: ['trace:manage', 'traces.delete'],
    deleteTracesV3: ['trace:manage', 'traces.delete'],
    calculateTraceFilterCorrelation: ['trace:read', 'traces.calculate_filter_correlation'],
    queryTraceMetrics: ['trace:read', 'traces.query_metrics'],
    GetAssessment: ['assessment:read', 'assessments.get'],
    createAssessment: ['assessment:create', 'assessments.create'],
    updateAssessment: ['assessment:edit', 'assessments.update'],
    deleteAssessment: ['assessment:edit', 'assessments.delete'],

    createIssue: ['issue:create', 'issues.create'],
    updateIssue: ['issue:edit', 'issues.update'],
    getIssue: ['issue:read', 'issues.get'],
    searchIssues: ['issue:read', 'issues.search'],
    createLabelSchema: ['label_schema:create', 'label_schemas.create'],
    getLabelSchema: ['label_schema:read', 'label_schemas.get'],
    getLabelSchemaByName: ['label_schema:read', 'label_schemas.get_by_name'],
    listLabelSchemas: ['label_schema:read', 'label_schemas.list'],
    updateLabelSchema: ['label_schema:manage', 'label_schemas.update'],
    deleteLabelSchema: ['label_schema:manage', 'label_schemas.delete'],
    createReviewQueue: ['review_queue:create', 'review_queues.create'],
    getOrCreateUserQueue: ['review_queue:create', 'review_queues.get_or_create_user_queue'],
    getReviewQueue: ['review_queue:read', 'review_queues.get'],
    getReviewQueueByName: ['review_queue:read', 'review_queues.get_by_name'],
    listReviewQueues: ['review_queue:read', 'review_queues.list'],
    updateReviewQueue: ['review_queue:manage', 'review_queues.update'],
    deleteReviewQueue: ['review_queue:manage', 'review_queues.delete'],
    addItemsToReviewQueue: ['review_queue:edit', 'review_queues.add_items'],
    removeItemsFromReviewQueue: ['review_queue:edit', 'review_queues.remove_items'],
    listReviewQueueItems: ['review_queue:read', 'review_queues.list_items'],
    setReviewQueueItemStatus: ['review_queue:use', 'review_queues.set_item_status'],

    listWorkspaces: ['workspace:read', 'workspaces.list'],
    createWorkspace: ['workspace:create', 'workspaces.create'],
    getWorkspace: ['workspace:read', 'workspaces.get'],
    updateWorkspace: ['workspace:manage', 'workspaces.update'],
    deleteWorkspace: ['workspace:manage', 'workspaces.delete'],

    createLoggedModel: ['logged_model:create', 'logged_models.create'],
    finalizeLoggedModel: ['logged_model:edit', 'logged_models.finalize'],
    getLoggedModel: ['logged_model:read', 'logged_models.get'],
    deleteLoggedModel: ['logged_model:manage', 'logged_models.delete'],
    searchLoggedModels: ['logged_model:read', 'logged_models.search'],
    setLoggedModelTags: ['logged_model:edit', 'logged_models.set_tags'],
    deleteLoggedModelTag: ['logged_model:edit', 'logged_models.delete_tag'],
    listLoggedModelArtifacts: ['logged_model:read', 'logged_models.list_artifacts'],
    LogLoggedModelParams: ['logged_model:edit', 'logged_models.log_params'],

    createDataset: ['dataset:create', 'datasets.create'],
    getDataset: ['dataset:read', 'datasets.get'],
    deleteDataset: ['dataset:manage', 'datasets.delete'],
    searchEvaluationDatasets: ['dataset:read', 'datasets.search'],
    setDatasetTags: ['dataset:edit', 'datasets.set_tags'],
    deleteDatasetTag: ['dataset:edit', 'datasets.delete_tag'],
    upsertDatasetRecords: ['dataset:edit', 'datasets.upsert_records'],
    getDatasetRecords: ['dataset:read', 'datasets.get_records'],
    deleteDatasetRecords: ['dataset:edit', 'datasets.delete_records'],
    getDatasetExperimentIds: ['dataset:read', 'datasets.get_experiment_ids'],
    addDatasetToExperiments: ['dataset:edit', 'datasets.add_to_experiments'],
    removeDatasetFromExperiments: ['dataset:edit', 'datasets.remove_from_experiments'],

    registerScorer: ['scorer:create', 'scorers.register'],
    listScorers: ['scorer:read', 'scorers.list'],
    listScorerVersions: ['scorer:read', 'scorers.list_versions'],
    getScorer: ['scorer:read', 'scorers.get'],
    deleteScorer: ['scorer:manage', 'scorers.delete'],
    createPromptOptimizationJob: ['prompt_optimization:create', 'prompt_optimizations.create'],
    getPromptOptimizationJob: ['prompt_optimization:read', 'prompt_optimizations.get'],
    searchPromptOptimizationJobs: ['prompt_optimization:read', 'prompt_optimizations.search'],
    cancelPromptOptimizationJob: ['prompt_optimization:edit', 'prompt_optimizations.cancel'],
    deletePromptOptimizationJob: ['prompt_optimization:manage', 'prompt_optimizations.delete'],

    createGatewaySecret: ['gateway:create', 'gateway_secrets.create'],
    getGatewaySecretInfo: ['gateway:read', 'gateway_secrets.get'],
    updateGatewaySecret: ['gateway:edit', 'gateway_secrets.update'],
    deleteGatewaySecret: ['gateway:manage', 'gateway_secrets.delete'],
    listGatewaySecretInfos: ['gateway:read', 'gateway_secrets.list'],
    createGatewayEndpoint: ['gateway:create', 'gateway_endpoints.create'],
    getGatewayEndpoint: ['gateway:read', 'gateway_endpoints.get'],
    updateGatewayEndpoint: ['gateway:edit', 'gateway_endpoints.update'],
    deleteGatewayEndpoint: ['gateway:manage', 'gateway_endpoints.delete'],
    listGatewayEndpoints: ['gateway:read', 'gateway_endpoints.list'],
    attachModelToEndpoint: ['gateway:edit', 'gateway_endpoints.attach_model'],
    detachModelFromEndpoint: ['gateway:edit', 'gateway_endpoints.detach_model'],
    createEndpointBinding: ['gateway:edit', 'gateway_endpoints.create_binding'],
    deleteEndpointBinding: ['gateway:edit', 'gateway_endpoints.delete_binding'],
    listEndpointBindings: ['gateway:read', 'gateway_endpoints.list_bindings'],
    setGatewayEndpointTag: ['gateway:edit', 'gateway_endpoints.set_tag'],
    deleteGatewayEndpointTag: ['gateway:edit', 'gateway_endpoints.delete_tag'],
    createGatewayModelDefinition: ['gateway:create', 'gateway_model_definitions.create'],
    getGatewayModelDefinition: ['gateway:read', 'gateway_model_definitions.get'],
    listGatewayModelDefinitions: ['gateway:read', 'gateway_model_definitions.list'],
    updateGatewayModelDefinition: ['gateway:edit', 'gateway_model_definitions.update'],
    deleteGatewayModelDefinition: ['gateway:manage', 'gateway_model_definitions.delete'],
    createBudgetPolicy: ['gateway:manage', 'gateway_budgets.create'],
    getBudgetPolicy: ['gateway:read', 'gateway_budgets.get'],
    updateBudgetPolicy: ['gateway:manage', 'gateway_budgets.update'],
    deleteBudgetPolicy: ['gateway:manage', 'gateway_budgets.delete'],
    listBudgetPolicies: ['gateway:read', 'gateway_budgets.list'],
    listBudgetWindows: ['gateway:read', 'gateway_budgets.list_windows'],
    createGatewayGuardrail: ['gateway:manage', 'gateway_guardrails.create'],
    getGatewayGuardrail: ['gateway:manage', 'gateway_guardrails.get'],
    deleteGatewayGuardrail: ['gateway:manage', 'gateway_guardrails.delete'],
    listGatewayGuardrails: ['gateway:manage', 'gateway_guardrails.list'],
    addGuardrailToEndpoint: ['gateway:edit', 'gateway_guardrails.add_to_endpoint'],
    removeGuardrailFromEndpoint: ['gateway:edit', 'gateway_guardrails.remove_from_endpoint'],
    listEndpointGuardrailConfigs: ['gateway:read', 'gateway_guardrails.list_for_endpoint'],
    updateEndpointGuardrailConfig: ['gateway:edit', 'gateway_guardrails.update_config'],
  }),
};

function within(service: string, entries: Readonly<Record<string, Policy>>): Record<string, Policy> {
  return Object.fromEntries(Object.entries(entries).map(([rpc, policy]) => [`${service}.${rpc}`, policy]));
}
