PRAGMA journal_mode = WAL;
BEGIN TRANSACTION;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, attempt INTEGER NOT NULL, body TEXT NOT NULL);
INSERT INTO "events" VALUES(1,1750000600.0,'launched','',0,'{}');
INSERT INTO "events" VALUES(2,1750000600.0,'asked','72377d089a181f37',0,'{"number":0,"seed":6648380157532833591,"config":{"architecture":"cnn","layers":1,"optimizer":"sgd","learning_rate":0.01,"pixels":16},"repeat":0,"point":null,"is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(3,1750000600.5,'granted','72377d089a181f37',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":0.5,"waited":0.5}');
INSERT INTO "events" VALUES(4,1750000601.25,'reported','72377d089a181f37',1,'{"epoch":1,"score":0.3734,"device_seconds":0.5,"metrics":{"valid/top1":0.3734},"checkpoint":"/home/ada/runs/broken/checkpoints/72377d089a181f37/epoch-0001.1"}');
INSERT INTO "events" VALUES(5,1750000601.25,'decided','72377d089a181f37',1,'{"epoch":1,"decision":"continue","reason":"no early stopping","billed":0.75,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(6,1750000601.5,'ended','72377d089a181f37',1,'{"state":"failed","kind":"diverged","message":"the loss is nan in epoch 2","fingerprint":"","billed":1.0,"productive":0.5,"joules":null}');
INSERT INTO "events" VALUES(7,1750000601.5,'asked','1f798b2662846963',0,'{"number":1,"seed":9097331104069625126,"config":{"architecture":"cnn","layers":3,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"repeat":0,"point":null,"is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(8,1750000602.0,'granted','1f798b2662846963',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":2.0,"waited":0.5}');
INSERT INTO "events" VALUES(9,1750000602.25,'ended','1f798b2662846963',1,'{"state":"failed","kind":"unheard_of","message":"nobody knows","fingerprint":"","billed":0.25,"productive":0.0,"joules":null}');
INSERT INTO "events" VALUES(10,1750000602.25,'asked','809f5d18bd01dc67',0,'{"number":2,"seed":2086284710660152793,"config":{"architecture":"cnn","layers":3,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"repeat":0,"point":null,"is_final_run":false,"redrawn":[]}');
INSERT INTO "events" VALUES(11,1750000602.75,'granted','809f5d18bd01dc67',1,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":2.75,"waited":0.5}');
INSERT INTO "events" VALUES(12,1750000603.0,'ended','809f5d18bd01dc67',1,'{"state":"waiting","kind":"error","message":"ValueError: 1","fingerprint":"ValueError@a.py:1","billed":0.25,"productive":0.0,"joules":null}');
INSERT INTO "events" VALUES(13,1750000603.5,'granted','809f5d18bd01dc67',2,'{"node":"node-c","device":"cpu","is_gpu":false,"share":1.0,"usd_per_hour":null,"price_source":"","price_date":"","market":"","gpu_uuid":"","granted":3.5,"waited":0.5}');
INSERT INTO "events" VALUES(14,1750000603.75,'ended','809f5d18bd01dc67',2,'{"state":"failed","kind":"error","message":"KeyError: ''x''","fingerprint":"KeyError@b.py:2","billed":0.25,"productive":0.0,"joules":null}');
INSERT INTO "events" VALUES(15,1750000603.75,'closed','',0,'{"wall":3.75,"capacity":0.0,"why":"broken"}');
INSERT INTO "events" VALUES(16,1750000663.75,'retried','72377d089a181f37',0,'{}');
INSERT INTO "events" VALUES(17,1750000723.75,'retried','1f798b2662846963',0,'{}');
INSERT INTO "events" VALUES(18,1750000783.75,'retried','809f5d18bd01dc67',0,'{}');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('channels','1');
INSERT INTO "meta" VALUES('classes','["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]');
INSERT INTO "meta" VALUES('created','2025-06-15T15:06:40+0000');
INSERT INTO "meta" VALUES('data_digest','3f4cb57abb6b51a43f4cb57abb6b51a43f4cb57abb6b51a43f4cb57abb6b51a4');
INSERT INTO "meta" VALUES('driver','0123456789abcdef');
INSERT INTO "meta" VALUES('git_revision','a5331308e3a4effd5e5bc74c564e56328b18ba28');
INSERT INTO "meta" VALUES('images','{"0": 178, "1": 182, "2": 177, "3": 183, "4": 181, "5": 182, "6": 181, "7": 179, "8": 174, "9": 180}');
INSERT INTO "meta" VALUES('name','broken');
INSERT INTO "meta" VALUES('overrides','[]');
INSERT INTO "meta" VALUES('quote','');
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('spec','{"schema_version": 1, "name": "broken", "description": "An old sweep: broken", "dataset": {"source": "digits", "root": null, "split": {"train": 0.7, "valid": 0.2, "test": 0.1, "seed": 42, "group_by": null, "folds": null, "fold": 0}}, "parameters": {"architecture": {"value": "cnn"}, "layers": {"min": 1, "max": 3, "distribution": "int_uniform"}, "optimizer": {"values": ["adamw", "sgd"]}, "learning_rate": {"values": [0.001, 0.01]}, "pixels": {"value": 16}}, "train": {"epochs": 3, "batch_size": 128, "precision": "auto", "optimizer": "adamw", "learning_rate": 0.001, "schedule": "one_cycle", "momentum": 0.9, "weight_decay": 0.0001, "label_smoothing": 0.0, "clip_norm": null, "patience": null, "class_weights": "none", "compile": false}, "objective": {"metric": "valid/top1", "goal": "maximize", "cost": "gpu_hours", "mode": "budget", "min_top5": null, "target": null, "test": "winner"}, "search": {"algorithm": "tpe", "seed": 0, "repeats": 1, "from": [], "reuse": true, "startup": 1}, "scheduler": {"type": "none"}, "budget": {"trials": null, "gpu_hours": null, "usd": null, "wall_hours": null, "max_failed": 2}, "final": null, "stop_when": null, "resources": {"gpu": 1.0, "cpu": 1.0, "memory_gb": null, "custom": {}, "concurrency": null, "rules": []}, "tracking": {"uri": "auto", "experiment": null}, "points": []}');
INSERT INTO "meta" VALUES('spec_digest','c775892e0a11e34ccbbff5caae274ad7d4fca1a335b45e2ce637116e439610b4');
INSERT INTO "meta" VALUES('sweep_id','9b5e7cf43811');
INSERT INTO "meta" VALUES('versions','{"sweeper": "0.1.0", "torch": "2.9.0", "optuna": "5.0.0", "mlflow": "3.5.0"}');
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    trial TEXT NOT NULL, payload TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0);
INSERT INTO "outbox" VALUES(1,1750000000000,'run','','{"trial_key":"9b5e7cf43811","name":"broken","params":{"dataset":"digits","epochs":3,"batch_size":128,"precision":"auto","optimizer":"adamw","learning_rate":0.001,"schedule":"one_cycle","momentum":0.9,"weight_decay":0.0001,"label_smoothing":0.0,"clip_norm":null,"patience":null,"class_weights":"none","compile":false},"tags":{"sweeper.sweep_id":"9b5e7cf43811","sweeper.version":"0.1.0","sweeper.spec":"c775892e0a11e34ccbbff5caae274ad7d4fca1a335b45e2ce637116e439610b4","mlflow.source.git.commit":"a5331308e3a4effd5e5bc74c564e56328b18ba28"}}',0);
INSERT INTO "outbox" VALUES(2,1750000600000,'run','72377d089a181f37','{"trial_key":"72377d089a181f37","name":"broken-0000","params":{"architecture":"cnn","layers":1,"optimizer":"sgd","learning_rate":0.01,"pixels":16},"tags":{"sweeper.trial_number":"0","sweeper.point":""}}',0);
INSERT INTO "outbox" VALUES(3,1750000601250,'metrics','72377d089a181f37','{"step":1,"metrics":{"valid/top1":0.3734}}',0);
INSERT INTO "outbox" VALUES(4,1750000601500,'end','72377d089a181f37','{"status":"FAILED","step":1,"metrics":{"best/score":0.3734,"best/epoch":1.0},"tags":{"sweeper.state":"failed","sweeper.why":"the loss is nan in epoch 2"}}',0);
INSERT INTO "outbox" VALUES(5,1750000601500,'run','1f798b2662846963','{"trial_key":"1f798b2662846963","name":"broken-0001","params":{"architecture":"cnn","layers":3,"optimizer":"adamw","learning_rate":0.01,"pixels":16},"tags":{"sweeper.trial_number":"1","sweeper.point":""}}',0);
INSERT INTO "outbox" VALUES(6,1750000602250,'end','1f798b2662846963','{"status":"FAILED","step":0,"metrics":{},"tags":{"sweeper.state":"failed","sweeper.why":"nobody knows"}}',0);
INSERT INTO "outbox" VALUES(7,1750000602250,'run','809f5d18bd01dc67','{"trial_key":"809f5d18bd01dc67","name":"broken-0002","params":{"architecture":"cnn","layers":3,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"tags":{"sweeper.trial_number":"2","sweeper.point":""}}',0);
INSERT INTO "outbox" VALUES(8,1750000603000,'run','809f5d18bd01dc67','{"trial_key":"809f5d18bd01dc67","name":"broken-0002","params":{"architecture":"cnn","layers":3,"optimizer":"sgd","learning_rate":0.001,"pixels":16},"tags":{"sweeper.trial_number":"2","sweeper.point":""}}',0);
INSERT INTO "outbox" VALUES(9,1750000603750,'end','809f5d18bd01dc67','{"status":"FAILED","step":0,"metrics":{},"tags":{"sweeper.state":"failed","sweeper.why":"KeyError: ''x''"}}',0);
INSERT INTO "outbox" VALUES(10,1750000603750,'end','','{"status":"FAILED","metrics":{"gpu_hours":0.0004861111111111111,"device_seconds":1.75,"trials":3},"tags":{"sweeper.state":"broken"}}',0);
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
