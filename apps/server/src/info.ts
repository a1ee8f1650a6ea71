import type { Handlers } from '@millrace/http';
import type { ArtifactPlaces } from '@millrace/tracking';

/** What clients ask of the server itself. */
export function infoHandlers(places: ArtifactPlaces): Handlers {
  return {
    'Core.serverInfo': async () => ({
      store_type: 'SqlStore',
      workspaces_enabled: false,
      trace_archival_enabled: false,
      multipart_uploads_enabled: places.canMultipart,
      multipart_downloads_enabled: places.canPresign,
      presigned_upload_run_id_supported: true,
      presigned_upload_model_id_supported: true,
      features_enabled: { gateway: false },
    }),
    // Nothing is sent anywhere.
    'Core.getUiTelemetry': async () => ({
      disable_ui_telemetry: true,
      disable_ui_events: [],
      ui_rollout_percentage: 0,
    }),
    'Core.postUiTelemetry': async () => ({ status: 'disabled' }),
  };
}
