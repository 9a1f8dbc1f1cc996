PRAGMA journal_mode = WAL;
BEGIN TRANSACTION;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, attempt INTEGER NOT NULL, body TEXT NOT NULL);
INSERT INTO "events" VALUES(1,1750000600.0,'launched','',0,'{}');
INSERT INTO "events" VALUES(2,1750000600.0,'asked','5121d4bb1b63b236',0,'{"number":0,"seed":6648380157532833591,"config":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.001,"pixels":16},"repeat":0,"point":null,"is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(3,1750000600.5,'granted','5121d4bb1b63b236',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":0.5,"waited":0.5}');
INSERT INTO "events" VALUES(4,1750000601.25,'reported','5121d4bb1b63b236',1,'{"epoch":1,"score":0.3584,"device_seconds":0.5,"metrics":{"valid/top1":0.3584},"checkpoint":"/home/ada/runs/stopped/checkpoints/5121d4bb1b63b236/epoch-0001.1"}');
INSERT INTO "events" VALUES(5,1750000601.25,'decided','5121d4bb1b63b236',1,'{"epoch":1,"decision":"continue","reason":"1 of the 2 results that rung 1 needs to decide","rung":1.0,"rank":1,"of":1,"billed":0.75,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(6,1750000602.0,'reported','5121d4bb1b63b236',1,'{"epoch":2,"score":0.4778,"device_seconds":1.0,"metrics":{"valid/top1":0.4778},"checkpoint":"/home/ada/runs/stopped/checkpoints/5121d4bb1b63b236/epoch-0002.1"}');
INSERT INTO "events" VALUES(7,1750000602.0,'decided','5121d4bb1b63b236',1,'{"epoch":2,"decision":"continue","reason":"1 of the 2 results that rung 2 needs to decide","rung":2.0,"rank":1,"of":1,"billed":1.5,"productive":1.0,"joules":null}');
INSERT INTO "events" VALUES(8,1750000602.75,'reported','5121d4bb1b63b236',1,'{"epoch":3,"score":0.5375,"device_seconds":1.5,"metrics":{"valid/top1":0.5375},"checkpoint":"/home/ada/runs/stopped/checkpoints/5121d4bb1b63b236/epoch-0003.1"}');
INSERT INTO "events" VALUES(9,1750000602.75,'decided','5121d4bb1b63b236',1,'{"epoch":3,"decision":"continue","reason":"1 of the 2 results that rung 2 needs to decide","rung":2.0,"rank":1,"of":1,"billed":2.25,"productive":1.5,"joules":null}');
INSERT INTO "events" VALUES(10,1750000603.0,'ended','5121d4bb1b63b236',1,'{"state":"completed","kind":"","message":"","fingerprint":"","billed":2.5,"productive":1.5,"joules":null}');
INSERT INTO "events" VALUES(11,1750000603.0,'asked','05570f8c51f4e3bb',0,'{"number":1,"seed":9097331104069625126,"config":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"repeat":0,"point":null,"is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(12,1750000603.5,'granted','05570f8c51f4e3bb',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":3.5,"waited":0.5}');
INSERT INTO "events" VALUES(13,1750000604.25,'reported','05570f8c51f4e3bb',1,'{"epoch":1,"score":0.3813,"device_seconds":0.5,"metrics":{"valid/top1":0.3813},"checkpoint":"/home/ada/runs/stopped/checkpoints/05570f8c51f4e3bb/epoch-0001.1"}');
INSERT INTO "events" VALUES(14,1750000604.25,'decided','05570f8c51f4e3bb',1,'{"epoch":1,"decision":"continue","reason":"among the best 1 of 2 at rung 1 epoch","rung":1.0,"rank":1,"of":2,"threshold":0.3813,"billed":0.75,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(15,1750000605.0,'reported','05570f8c51f4e3bb',1,'{"epoch":2,"score":0.5085,"device_seconds":1.0,"metrics":{"valid/top1":0.5085},"checkpoint":"/home/ada/runs/stopped/checkpoints/05570f8c51f4e3bb/epoch-0002.1"}');
INSERT INTO "events" VALUES(16,1750000605.0,'decided','05570f8c51f4e3bb',1,'{"epoch":2,"decision":"continue","reason":"among the best 1 of 2 at rung 2 epoch","rung":2.0,"rank":1,"of":2,"threshold":0.5085,"billed":1.5,"productive":1.0,"joules":null}');
INSERT INTO "events" VALUES(17,1750000605.75,'reported','05570f8c51f4e3bb',1,'{"epoch":3,"score":0.572,"device_seconds":1.5,"metrics":{"valid/top1":0.572},"checkpoint":"/home/ada/runs/stopped/checkpoints/05570f8c51f4e3bb/epoch-0003.1"}');
INSERT INTO "events" VALUES(18,1750000605.75,'decided','05570f8c51f4e3bb',1,'{"epoch":3,"decision":"continue","reason":"on its way from rung 2 epoch","billed":2.25,"productive":1.5,"joules":null}');
INSERT INTO "events" VALUES(19,1750000606.0,'ended','05570f8c51f4e3bb',1,'{"state":"completed","kind":"","message":"","fingerprint":"","billed":2.5,"productive":1.5,"joules":null}');
INSERT INTO "events" VALUES(20,1750000606.0,'asked','1487c4c2ee9eeb7b',0,'{"number":2,"seed":2086284710660152793,"config":{"architecture":"cnn","layers":1,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"repeat":0,"point":null,"is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(21,1750000606.5,'granted','1487c4c2ee9eeb7b',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":6.5,"waited":0.5}');
INSERT INTO "events" VALUES(22,1750000607.25,'reported','1487c4c2ee9eeb7b',1,'{"epoch":1,"score":0.3439,"device_seconds":0.5,"metrics":{"valid/top1":0.3439},"checkpoint":"/home/ada/runs/stopped/checkpoints/1487c4c2ee9eeb7b/epoch-0001.1"}');
INSERT INTO "events" VALUES(23,1750000607.25,'decided','1487c4c2ee9eeb7b',1,'{"epoch":1,"decision":"stop","reason":"not among the best 1 of 3 at rung 1 epoch","rung":1.0,"rank":3,"of":3,"threshold":0.3813,"billed":0.75,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(24,1750000607.5,'ended','1487c4c2ee9eeb7b',1,'{"state":"stopped","kind":"","message":"","fingerprint":"","billed":1.0,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(25,1750000607.5,'final','',0,'{"configs":[{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.01,"pixels":16}]}');
INSERT INTO "events" VALUES(26,1750000607.5,'asked','b93f284cfed00d60',0,'{"number":3,"seed":7544155895030130979,"config":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"repeat":1,"point":null,"is_final_run":true,"redrawn":[]}');
INSERT INTO "events" VALUES(27,1750000608.0,'granted','b93f284cfed00d60',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":8.0,"waited":0.5}');
INSERT INTO "events" VALUES(28,1750000608.75,'reported','b93f284cfed00d60',1,'{"epoch":1,"score":0.3805,"device_seconds":0.5,"metrics":{"valid/top1":0.3805},"checkpoint":"/home/ada/runs/stopped/checkpoints/b93f284cfed00d60/epoch-0001.1"}');
INSERT INTO "events" VALUES(29,1750000608.75,'decided','b93f284cfed00d60',1,'{"epoch":1,"decision":"continue","reason":"a run of the final, trained in full","billed":0.75,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(30,1750000609.5,'reported','b93f284cfed00d60',1,'{"epoch":2,"score":0.5074,"device_seconds":1.0,"metrics":{"valid/top1":0.5074},"checkpoint":"/home/ada/runs/stopped/checkpoints/b93f284cfed00d60/epoch-0002.1"}');
INSERT INTO "events" VALUES(31,1750000609.5,'decided','b93f284cfed00d60',1,'{"epoch":2,"decision":"pause","reason":"interrupted: SIGTERM","billed":1.5,"productive":1.0,"joules":null}');
INSERT INTO "events" VALUES(32,1750000609.75,'ended','b93f284cfed00d60',1,'{"state":"waiting","kind":"interrupted","message":"interrupted: SIGTERM","fingerprint":"","billed":1.75,"productive":1.0,"joules":null}');
INSERT INTO "events" VALUES(33,1750000609.75,'closed','',0,'{"wall":9.75,"capacity":0.0,"why":"SIGTERM"}');
INSERT INTO "events" VALUES(34,1750000669.75,'extended','',0,'{"changes":["budget.trials: 6 -> 8"]}');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('channels','1');
INSERT INTO "meta" VALUES('classes','["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]');
INSERT INTO "meta" VALUES('created','2025-06-15T15:06:40+0000');
INSERT INTO "meta" VALUES('data_digest','3f4cb57abb6b51a43f4cb57abb6b51a43f4cb57abb6b51a43f4cb57abb6b51a4');
INSERT INTO "meta" VALUES('driver','0123456789abcdef');
INSERT INTO "meta" VALUES('git_revision','a5331308e3a4effd5e5bc74c564e56328b18ba28');
INSERT INTO "meta" VALUES('images','{"0": 178, "1": 182, "2": 177, "3": 183, "4": 181, "5": 182, "6": 181, "7": 179, "8": 174, "9": 180}');
INSERT INTO "meta" VALUES('name','stopped');
INSERT INTO "meta" VALUES('overrides','[]');
INSERT INTO "meta" VALUES('quote','');
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('spec','{"schema_version": 1, "name": "stopped", "description": "An old sweep: stopped", "dataset": {"source": "digits", "root": null, "split": {"train": 0.7, "valid": 0.2, "test": 0.1, "seed": 42, "group_by": null, "folds": null, "fold": 0}}, "parameters": {"architecture": {"value": "cnn"}, "layers": {"min": 1, "max": 3, "distribution": "int_uniform"}, "optimizer": {"values": ["adamw", "sgd"]}, "learning_rate": {"values": [0.001, 0.01]}, "pixels": {"value": 16}}, "train": {"epochs": 3, "batch_size": 128, "precision": "auto", "optimizer": "adamw", "learning_rate": 0.001, "schedule": "one_cycle", "momentum": 0.9, "weight_decay": 0.0001, "label_smoothing": 0.0, "clip_norm": null, "patience": null, "class_weights": "none", "compile": false}, "objective": {"metric": "valid/top1", "goal": "maximize", "cost": "gpu_hours", "mode": "budget", "min_top5": null, "target": null, "test": "winner"}, "search": {"algorithm": "grid", "seed": 0, "repeats": 1, "from": [], "reuse": true}, "scheduler": {"type": "asha", "grace": 1, "reduction_factor": 2}, "budget": {"trials": 8, "gpu_hours": null, "usd": null, "wall_hours": null, "max_failed": 5}, "final": {"top": 1, "seeds": 3}, "stop_when": null, "resources": {"gpu": 1.0, "cpu": 1.0, "memory_gb": null, "custom": {}, "concurrency": null, "rules": []}, "tracking": {"uri": "auto", "experiment": null}, "points": []}');
INSERT INTO "meta" VALUES('spec_digest','0555dfc5a1eba5ee1536413016a055b655a1181debc139476d9470c54b15a6dd');
INSERT INTO "meta" VALUES('sweep_id','10cc60207e8d');
INSERT INTO "meta" VALUES('versions','{"sweeper": "0.1.0", "torch": "2.9.0", "optuna": "5.0.0", "mlflow": "3.5.0"}');
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, payload TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0);
INSERT INTO "outbox" VALUES(1,1750000000000,'run','','{"trial_key":"10cc60207e8d","name":"stopped","params":{"dataset":"digits","epochs":3,"batch_size":128,"precision":"auto","optimizer":"adamw","learning_rate":0.001,"schedule":"one_cycle","momentum":0.9,"weight_decay":0.0001,"label_smoothing":0.0,"clip_norm":null,"patience":null,"class_weights":"none","compile":false},"tags":{"sweeper.sweep_id":"10cc60207e8d","sweeper.version":"0.1.0","sweeper.spec":"cdc019d9a2756086f450e43aa38db3bc5f02950e985715577c02e24fec969e9a","mlflow.source.git.commit":"a5331308e3a4effd5e5bc74c564e56328b18ba28"}}',1);
INSERT INTO "outbox" VALUES(2,1750000600000,'run','5121d4bb1b63b236','{"trial_key":"5121d4bb1b63b236","name":"stopped-0000","params":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.001,"pixels":16},"tags":{"sweeper.trial_number":"0","sweeper.point":""}}',1);
INSERT INTO "outbox" VALUES(3,1750000601250,'metrics','5121d4bb1b63b236','{"step":1,"metrics":{"valid/top1":0.3584}}',1);
INSERT INTO "outbox" VALUES(4,1750000602000,'metrics','5121d4bb1b63b236','{"step":2,"metrics":{"valid/top1":0.4778}}',1);
INSERT INTO "outbox" VALUES(5,1750000602750,'metrics','5121d4bb1b63b236','{"step":3,"metrics":{"valid/top1":0.5375}}',1);
INSERT INTO "outbox" VALUES(6,1750000603000,'end','5121d4bb1b63b236','{"status":"FINISHED","step":3,"metrics":{"best/score":0.5375,"best/epoch":3.0},"tags":{"sweeper.state":"completed","sweeper.why":""}}',0);
INSERT INTO "outbox" VALUES(7,1750000603000,'run','05570f8c51f4e3bb','{"trial_key":"05570f8c51f4e3bb","name":"stopped-0001","params":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"tags":{"sweeper.trial_number":"1","sweeper.point":""}}',0);
INSERT INTO "outbox" VALUES(8,1750000604250,'metrics','05570f8c51f4e3bb','{"step":1,"metrics":{"valid/top1":0.3813}}',0);
INSERT INTO "outbox" VALUES(9,1750000605000,'metrics','05570f8c51f4e3bb','{"step":2,"metrics":{"valid/top1":0.5085}}',0);
INSERT INTO "outbox" VALUES(10,1750000605750,'metrics','05570f8c51f4e3bb','{"step":3,"metrics":{"valid/top1":0.572}}',0);
INSERT INTO "outbox" VALUES(11,1750000606000,'end','05570f8c51f4e3bb','{"status":"FINISHED","step":3,"metrics":{"best/score":0.572,"best/epoch":3.0},"tags":{"sweeper.state":"completed","sweeper.why":""}}',0);
INSERT INTO "outbox" VALUES(12,1750000606000,'run','1487c4c2ee9eeb7b','{"trial_key":"1487c4c2ee9eeb7b","name":"stopped-0002","params":{"architecture":"cnn","layers":1,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"tags":{"sweeper.trial_number":"2","sweeper.point":""}}',0);
INSERT INTO "outbox" VALUES(13,1750000607250,'metrics','1487c4c2ee9eeb7b','{"step":1,"metrics":{"valid/top1":0.3439}}',0);
INSERT INTO "outbox" VALUES(14,1750000607500,'end','1487c4c2ee9eeb7b','{"status":"FINISHED","step":1,"metrics":{"best/score":0.3439,"best/epoch":1.0},"tags":{"sweeper.state":"stopped","sweeper.why":""}}',0);
INSERT INTO "outbox" VALUES(15,1750000607500,'run','b93f284cfed00d60','{"trial_key":"b93f284cfed00d60","name":"stopped-0003","params":{"architecture":"cnn","layers":1,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"tags":{"sweeper.trial_number":"3","sweeper.point":""}}',0);
INSERT INTO "outbox" VALUES(16,1750000608750,'metrics','b93f284cfed00d60','{"step":1,"metrics":{"valid/top1":0.3805}}',0);
INSERT INTO "outbox" VALUES(17,1750000609500,'metrics','b93f284cfed00d60','{"step":2,"metrics":{"valid/top1":0.5074}}',0);
INSERT INTO "outbox" VALUES(18,1750000609750,'end','b93f284cfed00d60','{"status":"KILLED","metrics":{},"tags":{"sweeper.state":"waiting","sweeper.why":"goes on when the sweep is resumed"}}',0);
INSERT INTO "outbox" VALUES(19,1750000609750,'end','','{"status":"KILLED","metrics":{"gpu_hours":0.0021527777777777778,"device_seconds":7.75,"trials":4},"tags":{"sweeper.state":"SIGTERM"}}',0);
CREATE INDEX outbox_pending ON outbox (id) WHERE delivered = 0;
CREATE VIEW reports AS
    SELECT trial, attempt, body->>'epoch' AS epoch, body->>'score' AS score,
           body->>'device_seconds' AS device_seconds, body->'metrics' AS metrics
    FROM events WHERE kind = 'reported';
CREATE VIEW decisions AS
    SELECT trial, body->>'epoch' AS epoch, body->>'decision' AS decision, body->>'rung' AS rung,
           body->>'rank' AS rank, body->>'of' AS of, body->>'threshold' AS threshold,
           body->>'reason' AS reason
    FROM events WHERE kind = 'decided';
COMMIT;
